"""What an API server does with a ValidatingAdmissionPolicy, with Google's own CEL (the C++ one; the server has the one in Go)."""
import copy

from cel_expr_python import cel
from cel_expr_python.ext import ext_optional, ext_strings

NODE_OF_A_TOKEN = "authentication.kubernetes.io/node-name"


class Policy:
    def __init__(self, thing):
        names = ("object", "oldObject", "request", "variables")
        environment = cel.NewEnv(variables={name: cel.Type.DYN for name in names}, extensions=[
            ext_optional.ExtOptional(), ext_strings.ExtStrings()])

        def compiled(rules, field="expression"):
            return [environment.compile(rule[field]) if field in rule else None for rule in rules]
        spec = thing["spec"]
        self.conditions = compiled(spec["matchConditions"])
        self.variables = list(zip((variable["name"] for variable in spec["variables"]), compiled(spec["variables"])))
        self.validations = list(zip(
            spec["validations"], compiled(spec["validations"]), compiled(spec["validations"], "messageExpression")))
        self.resources = {resource for rule in spec["matchConstraints"]["resourceRules"] for resource in rule["resources"]}

    def refusals(self, user, old, new, resource="nodes", operation="UPDATE"):
        """The messages of all validations that fail; none for a request that the policy doesn't look at."""
        data = {"object": new, "oldObject": old, "variables": {}, "request": {
            "userInfo": user, "operation": operation, "kind": {"kind": new.get("kind", "")}}}
        # A server leaves it out where there is none.
        if subresource := resource.partition("/")[2]:
            data["request"]["subResource"] = subresource

        def value(expression):
            return expression.eval(data=data).plain_value()
        if resource not in self.resources or not all(value(condition) for condition in self.conditions):
            return []
        for name, expression in self.variables:
            data["variables"][name] = value(expression)
        # An expression that fails is no True: the policy's failurePolicy is Fail.
        return [value(text) if text else rule["message"]
                for rule, expression, text in self.validations if value(expression) is not True]


def account(node, name="system:serviceaccount:powercap-system:powercap-controller", pod="powercap-x"):
    """A token's user: of a pod on a node, or of no pod."""
    extra = {"authentication.kubernetes.io/pod-name": [pod], NODE_OF_A_TOKEN: [node]} if node else {}
    return {"username": name, "groups": ["system:serviceaccounts", "system:authenticated"], "extra": extra}


def merged(target, patch):
    """A JSON merge patch applied (RFC 7386)."""
    result = copy.deepcopy(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value) if isinstance(value, dict) else value
    return result
