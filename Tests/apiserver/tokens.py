"""Bearer tokens: shaped like a service account's, signed with a key of this run."""
import base64
import dataclasses
import hashlib
import hmac
import json
import os
import secrets
import time
import uuid

from statuses import Refused

ISSUER = "https://kubernetes.default.svc.cluster.local"


@dataclasses.dataclass(frozen=True)
class User:
    name: str
    groups: tuple = ()
    # The node that a token is bound to by its pod.
    node: str = ""

    @property
    def is_admin(self):
        return "system:masters" in self.groups


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
ADMIN = User("admin", ("system:masters", "system:authenticated"))


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Tokens:
    def __init__(self, path, account, node, lifetime_s):
        self.path, self.account, self.node, self.lifetime_s = path, account, node, lifetime_s
        self.key = secrets.token_bytes(32)
        self.admin = secrets.token_urlsafe(24)
        self.revoked_before = 0
        self.count = 0
        self.rotate()

    def issue(self, lifetime_s):
        namespace, account = self.account.split("/")
        now = int(time.time())
        self.count += 1
        claims = {
            "aud": [ISSUER], "exp": now + lifetime_s, "iat": now, "iss": ISSUER, "jti": str(uuid.uuid4()),
            "kubernetes.io": {
                "namespace": namespace, "node": {"name": self.node, "uid": str(uuid.uuid4())},
                "pod": {"name": "powercap-x7k2p", "uid": str(uuid.uuid4())},
                "serviceaccount": {"name": account, "uid": str(uuid.uuid4())}},
            "nbf": now, "sub": f"system:serviceaccount:{namespace}:{account}", "number": self.count}
        signed = encoded(json.dumps({"alg": "RS256", "kid": "double"}).encode()) + "." + encoded(json.dumps(claims).encode())
        return f"{signed}.{self.signature(signed)}"

    def signature(self, signed):
        return encoded(hmac.digest(self.key, signed.encode(), hashlib.sha256))

    def rotate(self, lifetime_s=None):
        """Writes a new token to the file, as the kubelet does; the earlier ones live on."""
        token = self.issue(self.lifetime_s if lifetime_s is None else lifetime_s)
        with open(self.path + ".new", "w") as file:
            file.write(token)
        os.replace(self.path + ".new", self.path)
        return token

    def revoke(self):
        """No token so far is good any more; the file stays as it is."""
        self.revoked_before = self.count + 1

    def user(self, header):
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return ANONYMOUS
        if token == self.admin:
            return ADMIN
        signed, _, signature = token.rpartition(".")
        if hmac.compare_digest(signature.encode(), self.signature(signed).encode()):
            claims = json.loads(base64.urlsafe_b64decode(signed.split(".")[1] + "=="))
            if claims["exp"] > time.time() and claims["number"] >= self.revoked_before:
                groups = ("system:serviceaccounts", f"system:serviceaccounts:{claims['kubernetes.io']['namespace']}",
                          "system:authenticated")
                return User(claims["sub"], groups, claims["kubernetes.io"]["node"]["name"])
        raise Refused(401, "Unauthorized")
