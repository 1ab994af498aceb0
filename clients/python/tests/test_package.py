"""What is published."""

from __future__ import annotations

import re

from servers import ROOT

PACKAGE = ROOT / "clients" / "python"


def test_has_the_license_of_the_repository():
    assert (PACKAGE / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert 'license-files = ["LICENSE"]' in (PACKAGE / "pyproject.toml").read_text()


def test_links_to_nothing_that_is_not_in_the_package_index():
    links = re.findall(r"\]\(([^)]*)\)", (PACKAGE / "README.md").read_text())
    assert [link for link in links if not link.startswith("https://")] == []
