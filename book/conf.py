"""How does Sphinx make the site of what `make.py` has gathered? Everything that a page needs is a file beside it."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import search  # noqa: E402
from editions import BUILD, EDITIONS, chosen  # noqa: E402
from said import tr  # noqa: E402

import vethlab_sh  # noqa: E402
from vethlab_sh.language import speaking  # noqa: E402

edition = chosen()

project = "vethlab_sh"
author = "The vethlab_sh authors"
release = vethlab_sh.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "docstrings"]

# What one source says in another language: Sphinx extracts it, page by page, and puts the translation in.
language = edition.name
locale_dirs = [str(BUILD / "locale")]
gettext_compact = False  # a catalogue for each page
gettext_uuid = False

nb_execution_mode = "off"  # a lesson shows what it showed when it was solved
nb_merge_streams = True
nb_mime_priority_overrides = [("gettext", "text/html", 0)]
nb_ipywidgets_js = {}  # their still forms stand in the lessons, so nothing is fetched for them
with speaking(edition.code):
    nb_code_prompt_show = tr("Show the lines")
    nb_code_prompt_hide = tr("Hide the lines")
myst_enable_extensions = ["colon_fence"]
smartquotes = False  # it would make one dash of `--quiet` where that stands in a table
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
html_extra_path = [str(edition.build / "extra")]
templates_path = ["templates"]
html_context = {
    "edition": edition,
    "others": [(other, edition.way_to(other)) for other in EDITIONS if other != edition],
}
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_search_language = edition.code
html_search_options = search.options(edition.code)
