"""TokenReview: who a bearer token is, and for whom it was made (authentication.k8s.io/v1). It is answered, and nothing is stored."""
from statuses import Refused
from tokens import ISSUER, Bad

SPEC = {"token", "audiences"}


def review(tokens, thing):
    """The object with its status. What isn't a good token is no error of the request."""
    spec = thing.get("spec") or {}
    if not spec.get("token"):
        raise Refused(400, "token is required for TokenReview in authentication")
    wanted = spec.get("audiences") or [ISSUER]
    head = {"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1",
            "metadata": {name: value for name, value in (thing.get("metadata") or {}).items() if name != "managedFields"},
            "spec": {name: value for name, value in spec.items() if name in SPEC}}
    head["metadata"].setdefault("creationTimestamp", None)
    try:
        claims = tokens.claims(spec["token"], wanted)
    except Bad as why:
        return head | {"status": {"user": {}, "error": f"[invalid bearer token, {why}]"}}
    user = tokens.user_of(claims)
    info = {"username": user.name, "uid": user.uid, "groups": list(user.groups), "extra": {key: list(value) for key, value in user.extra}}
    return head | {"status": {"authenticated": True, "user": {name: value for name, value in info.items() if value},
                              "audiences": [audience for audience in wanted if audience in claims["aud"]]}}
