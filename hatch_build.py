"""What does a package page need that only a release knows? The repository's address: for links, and for pictures.

GitHub tells it to its workflows. Elsewhere it is not known: then the metadata names none, and the
README's pictures and links, which would lead nowhere on a package page, stay out.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PICTURE = re.compile(r"!\[(?P<words>[^\]]*)\]\((?!https?:)(?P<file>[^)]+)\)")
LINK = re.compile(r"(?<!!)\[(?P<words>[^\]]*)\]\((?!https?:|#)(?P<file>[^)]+)\)")


class RepositoryAddress(MetadataHookInterface):
    """Writes the address into the README's links and the project's URLs."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in what pyproject.toml calls dynamic: readme and urls."""
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = os.environ.get("GITHUB_REPOSITORY")
        urls = {}
        if repository:
            server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
            address = f"{server}/{repository}"
            version = metadata["version"]
            readme = PICTURE.sub(rf"![\g<words>]({address}/raw/v{version}/\g<file>)", readme)
            readme = LINK.sub(rf"[\g<words>]({address}/blob/v{version}/\g<file>)", readme)
            urls = {
                "Homepage": address,
                "Documentation": f"{address}/tree/v{version}/docs",
                "Changelog": f"{address}/blob/v{version}/CHANGELOG.md",
                "Issues": f"{address}/issues",
            }
        else:
            readme = PICTURE.sub("", readme)
            readme = LINK.sub(r"\g<words>", readme)
        metadata["readme"] = {"content-type": "text/markdown", "text": readme}
        metadata["urls"] = urls
