"""Plugin of pytest (`-p bench.in_order`): tests run in the order in which the command names them."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    place = {name: n for n, name in enumerate(config.invocation_params.args)}
    items.sort(key=lambda item: place.get(item.nodeid, len(place)))
