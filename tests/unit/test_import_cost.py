import subprocess
import sys


def test_importing_the_kit_stays_light() -> None:
    """`import momentum_kit` loads none of the heavy libraries that only some users need."""
    heavy = "{'matplotlib', 'ipywidgets', 'papermill', 'pandas', 'numpy', 'ibapi', 'aiohttp'}"
    code = f"import sys, momentum_kit; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_are_there_and_no_others() -> None:
    """The package's face is pinned: a new public name is a decision."""
    import momentum_kit

    assert sorted(momentum_kit.__all__) == ["Config", "Kit", "load_config"]
    assert all(getattr(momentum_kit, name) for name in momentum_kit.__all__)
