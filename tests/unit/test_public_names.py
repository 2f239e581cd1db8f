from importlib.metadata import version

import momentum_kit


def test_public_names_are_there_and_no_others() -> None:
    """The package's face is pinned: a new public name is a decision."""
    assert sorted(momentum_kit.__all__) == ["Config", "Kit", "Study", "load_config"]
    assert all(getattr(momentum_kit, name) for name in momentum_kit.__all__)


def test_the_version_is_the_installed_one_and_is_looked_up_when_asked() -> None:
    """`import momentum_kit` reads no metadata; what it says of itself is what pip says."""
    assert momentum_kit.__version__ == version("momentum-kit")
    assert "__version__" not in vars(momentum_kit)
