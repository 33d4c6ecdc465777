"""A warning that our own code causes is an error; a warning of another package is not."""

import warnings

import pytest


def warn_in(module):
    """Warn from code that lies in ``module``."""
    code = "import warnings\nwarnings.warn('of old', DeprecationWarning)\n"
    exec(compile(code, f"{module}.py", "exec"), {"__name__": module})


@pytest.mark.parametrize(
    "module", ["monitor", "monitor.stages.af", "tools.lowest", "test_af", "conftest"]
)
def test_a_warning_that_our_code_causes_is_an_error(module):
    with pytest.raises(DeprecationWarning, match="of old"):
        warn_in(module)


@pytest.mark.parametrize("module", ["monitoring", "torch.monitor", "wfdb.io"])
def test_a_warning_that_another_package_causes_is_none(module):
    with warnings.catch_warnings(record=True) as caught:
        warn_in(module)
    assert [str(warning.message) for warning in caught] == ["of old"]
