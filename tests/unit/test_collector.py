import gc

import pytest

from embodied_kit.collector import collector_paused


def test_the_collector_is_as_before_also_after_an_error() -> None:
    with collector_paused():
        assert not gc.isenabled()
        with collector_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), collector_paused():
        raise KeyError
    assert gc.isenabled()
