"""The routes of the real contracts."""

import grpc
from starlette.routing import Route

from facade.descriptors import all_services, methods
from facade.rest import routes


def no_channel(service: str) -> grpc.aio.Channel:
    raise AssertionError(f"{service} is called before there is a request")


def test_every_http_rule_has_a_route() -> None:
    """Path and verb of each rule are served, and nothing else is but HEAD of what is read, and OPTIONS."""
    described = methods(all_services())
    rules = [(method, rule) for method in described for rule in method.rules]
    declared = {(rule.path, verb) for _, rule in rules for verb in (rule.verb, "OPTIONS")}
    unary = [rule for method, rule in rules if not method.descriptor.server_streaming]
    declared |= {(rule.path, "HEAD") for rule in unary if rule.verb == "GET"}
    served = [route for route in routes(described, no_channel) if isinstance(route, Route)]
    assert {(route.path, verb) for route in served for verb in route.methods or ()} == declared


def test_the_more_literal_path_comes_first() -> None:
    """The first match wins, so `{id}` must not shadow what is more precise."""
    paths = [route.path for route in routes(methods(all_services()), no_channel) if isinstance(route, Route)]
    conversation = "/api/messages/conversations/{id}"
    assert paths.index(f"{conversation}:leave") < paths.index(conversation)
    assert paths.index("/api/users/me") < paths.index("/api/users/{id}")
    assert paths.index("/api/messages/conversations") < paths.index("/api/messages/{id}")
