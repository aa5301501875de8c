"""The kinds of patch, as functions of an object and a patch."""
from statuses import Refused

# The lists whose items have a key; a patch of another list replaces it.
LIST_KEYS = {"conditions": "type", "addresses": "type"}


def merge(thing, patch):
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(thing) if isinstance(thing, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def strategic(thing, patch):
    """A merge that knows the keys of lists, and the directive `$patch`."""
    if not isinstance(patch, dict):
        return patch
    directive = patch.get("$patch")
    result = dict(thing) if isinstance(thing, dict) and directive != "replace" else {}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None or isinstance(value, dict) and value.get("$patch") == "delete":
            result.pop(key, None)
        elif isinstance(value, list) and key in LIST_KEYS:
            result[key] = strategic_list(result.get(key) or [], value, LIST_KEYS[key])
        else:
            result[key] = strategic(result.get(key), value)
    return result


def strategic_list(items, patches, key):
    if any(patch.get("$patch") == "replace" for patch in patches):
        return [patch for patch in patches if "$patch" not in patch]
    result = {item[key]: item for item in items}
    for patch in patches:
        if key not in patch:
            raise Refused(500, f"map: {patch} does not contain declared merge key: {key}")
        if patch.get("$patch") == "delete":
            result.pop(patch[key], None)
        else:
            result[patch[key]] = strategic(result.get(patch[key]), patch)
    return list(result.values())
