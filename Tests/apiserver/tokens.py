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
EXTRA = "authentication.kubernetes.io/"


@dataclasses.dataclass(frozen=True)
class User:
    name: str
    groups: tuple = ()
    # The node that a token is bound to by its pod.
    node: str = ""
    uid: str = ""
    # What else a token says, each with its values.
    extra: tuple = ()

    @property
    def is_admin(self):
        return "system:masters" in self.groups


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
ADMIN = User("admin", ("system:masters", "system:authenticated"))


class Bad(Exception):
    """Why a text is no good token."""


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Tokens:
    def __init__(self, path, account, node, lifetime_s):
        self.path, self.account, self.node, self.lifetime_s = path, account, node, lifetime_s
        self.key = secrets.token_bytes(32)
        self.admin = secrets.token_urlsafe(24)
        self.revoked_before = 0
        # Whose pod is gone: up to which token.
        self.unbound = {}
        self.count = 0
        self.uids = {}
        self.rotate()

    def uid(self, *thing):
        """The same for the same thing each time."""
        return self.uids.setdefault(thing, str(uuid.uuid4()))

    def issue(self, lifetime_s, node=None, audience=ISSUER, account=None):
        """- node: that the token's pod runs on; empty for a token of no pod."""
        namespace, account = (account or self.account).split("/")
        node = self.node if node is None else node
        now = int(time.time())
        self.count += 1
        about = {"namespace": namespace}
        if node:
            pod = f"powercap-{self.uid('pod', account, node)[:5]}"
            about |= {"node": {"name": node, "uid": self.uid("node", node)},
                      "pod": {"name": pod, "uid": self.uid("pod", account, node)}}
        claims = {
            "aud": [audience], "exp": now + lifetime_s, "iat": now, "iss": ISSUER, "jti": str(uuid.uuid4()),
            "kubernetes.io": about | {"serviceaccount": {"name": account, "uid": self.uid("account", namespace, account)}},
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

    def unbind(self, node):
        """No token so far of a pod on this node is: the pod was deleted."""
        self.unbound[node] = self.count + 1

    def claims(self, token, audiences=(ISSUER,)):
        """What a good token says. The sentences are those of serviceaccount/jwt.go and legacy.go of Kubernetes."""
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self.signature(signed).encode()):
            raise Bad("failed to verify signature")
        claims = json.loads(base64.urlsafe_b64decode(signed.split(".")[1] + "=="))
        if not set(claims["aud"]) & set(audiences):
            raise Bad(f"token audiences {quoted(claims['aud'])} is invalid for the target audiences {quoted(audiences)}")
        if claims["exp"] <= time.time():
            raise Bad("service account token has expired")
        node = claims["kubernetes.io"].get("node", {}).get("name", "")
        if claims["number"] < max(self.revoked_before, self.unbound.get(node, 0)):
            raise Bad("service account token has been invalidated")
        return claims

    def user_of(self, claims):
        about = claims["kubernetes.io"]
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{about['namespace']}", "system:authenticated")
        extra = [(f"{EXTRA}credential-id", (f"JTI={claims['jti']}",))]
        for thing in ("node", "pod"):
            extra += [(f"{EXTRA}{thing}-{part}", (about[thing][part],)) for part in ("name", "uid") if thing in about]
        return User(claims["sub"], groups, about.get("node", {}).get("name", ""), about["serviceaccount"]["uid"], tuple(extra))

    def user(self, header):
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return ANONYMOUS
        if token == self.admin:
            return ADMIN
        try:
            return self.user_of(self.claims(token))
        except Bad:
            raise Refused(401, "Unauthorized") from None


def quoted(texts):
    return "[" + " ".join(json.dumps(text) for text in texts) + "]"
