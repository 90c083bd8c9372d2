"""How does Sphinx make the site of what `make.py` has gathered? Everything that a page needs is a file beside it."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import vethlab_sh  # noqa: E402

project = "vethlab_sh"
author = "The vethlab_sh authors"
release = vethlab_sh.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "docstrings"]

# What one source says in another language: `make.py gettext` extracts the texts, sphinx-intl keeps the catalogues.
language = os.environ.get("VETHLAB_LANG", "en")
locale_dirs = [str(HERE / "locale")]
gettext_compact = False  # a catalogue for each page
gettext_uuid = False

nb_execution_mode = "off"  # a lesson shows what it showed when it was solved
nb_merge_streams = True
nb_ipywidgets_js = {}  # their still forms stand in the lessons, so nothing is fetched for them
nb_code_prompt_show = "Show the lines"
nb_code_prompt_hide = "Hide the lines"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
exclude_patterns = ["guides/index.md"]  # its parts stand on the first page

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 80
add_module_names = False
default_role = "code"

html_theme = "furo"
html_title = "vethlab_sh"
html_static_path = [str(HERE / "static")]
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_extra_path = [str(HERE / "_build" / "extra")]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_search_language = "zh" if language.startswith("zh") else "en"
