"""What the server answers when it refuses: an object of kind Status."""

REASONS = {
    400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed", 406: "NotAcceptable",
    409: "Conflict", 410: "Expired", 415: "UnsupportedMediaType", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError",
    503: "ServiceUnavailable", 504: "Timeout"}


class Refused(Exception):
    """A request that isn't carried out."""

    def __init__(self, code, message, reason=None, details=None):
        super().__init__(message)
        self.code = code
        self.status = status(code, message, reason, details)


def status(code, message, reason=None, details=None):
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
            "reason": reason or REASONS.get(code, "Unknown")}
    if details is not None:
        body["details"] = details
    return body | {"code": code}


def about(kind, name=None, plural=True):
    """The details that name the object."""
    details = {"name": name} if name else {}
    if kind.storage_group:
        details["group"] = kind.storage_group
    return details | {"kind": kind.plural if plural else kind.name}


def not_found(kind, name):
    return Refused(404, f'{kind.qualified(kind.plural)} "{name}" not found', details=about(kind, name))


def exists(kind, name):
    return Refused(409, f'{kind.qualified(kind.plural)} "{name}" already exists', "AlreadyExists", about(kind, name))


def modified(kind, name):
    return Refused(
        409, f'Operation cannot be fulfilled on {kind.qualified(kind.plural)} "{name}": the object has been modified; please '
        "apply your changes to the latest version and try again", details=about(kind, name))


def invalid(kind, name, causes):
    """Each cause: its reason, message and field. The sentence says each of them once."""
    said = list(dict.fromkeys(f"{field}: {message}" for _, message, field in causes))
    text = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    details = about(kind, name, plural=False)
    details["causes"] = [{"reason": reason, "message": message, "field": field} for reason, message, field in causes]
    return Refused(422, f'{kind.qualified(kind.name)} "{name}" is invalid: {text}', details=details)


def bad_json(error, text):
    """The sentence of Go's decoder for a mistake that Python's found."""
    if error.pos >= len(text):
        return "unexpected end of JSON input"
    place = "beginning of object key string" if "property name" in error.msg else "beginning of value"
    return f"invalid character '{text[error.pos]}' looking for {place}"
