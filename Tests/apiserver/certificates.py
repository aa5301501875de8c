"""A certificate authority made on the fly, the server's certificate, and two authorities that signed nothing."""
import ssl
import subprocess

NAMES = "subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost,DNS:kubernetes.default,DNS:kubernetes.default.svc"


def request(directory, name, subject, *options):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", f"{directory}/{name}.key", "-out", f"{directory}/{name}.crt", "-subj", f"/CN={subject}", *options],
        check=True, stdin=subprocess.DEVNULL, capture_output=True)


def make(directory):
    """Writes ca.crt, wrong-ca.crt, other-ca.crt and the server's, and gives the server's side of TLS."""
    request(directory, "ca", "kubernetes")
    # Of another cluster, and so of the same name: whoever finds it looks no further. And one of another name.
    request(directory, "wrong-ca", "kubernetes")
    request(directory, "other-ca", "another")
    request(directory, "server", "kube-apiserver", "-CA", f"{directory}/ca.crt", "-CAkey", f"{directory}/ca.key",
            "-addext", NAMES, "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{directory}/server.crt", f"{directory}/server.key")
    return context
