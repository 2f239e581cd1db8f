import momentum_kit


def test_public_names_are_there_and_no_others() -> None:
    """The package's face is pinned: a new public name is a decision."""
    assert sorted(momentum_kit.__all__) == ["Config", "Kit", "load_config"]
    assert all(getattr(momentum_kit, name) for name in momentum_kit.__all__)
