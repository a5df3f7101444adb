# SPDX-License-Identifier: BSD-3-Clause
"""GET /: a page to try the model. It is the same for every artifact and holds no text of anyone.

What is shown comes from the server, with the token that is typed in, and only ever as text. The
content security policy allows the script and the style of this page by their hashes, the server itself,
and a sound that was just chosen; nothing else.
"""

from __future__ import annotations

import base64
import hashlib

from starlette.responses import Response

from .page_script import SCRIPT
from .page_style import STYLE

_PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Try the model</title><style>{STYLE}</style></head><body><main>
<h1 id="title">Try the model</h1><p id="about">What you choose goes to this server and nowhere else.</p>
<form id="door" class="card" hidden>
<label class="field">Token<input id="token" type="password" autocomplete="off" spellcheck="false"></label>
<p class="note">The server showed it when it was started.</p><button>Connect</button></form>
<form id="try" class="card" hidden>
<label id="drop" class="drop"><input id="file" type="file"><b id="wanted">Choose a file</b>
<span id="named">or drop one here, or paste it</span></label>
<div id="fields"></div><button id="go">Predict</button> <span id="state" class="note" role="status"></span></form>
<p id="error" class="card error" role="alert" hidden></p>
<section id="answer" class="card" aria-live="polite" hidden><h2>Answer</h2><div id="shown"></div>
<details><summary>As JSON</summary><pre id="json"></pre></details></section>
</main><script>{SCRIPT}</script></body></html>
"""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY = (
    f"default-src 'none'; script-src {_hash(SCRIPT)}; style-src {_hash(STYLE)}; connect-src 'self'; "
    "media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page() -> Response:
    """The page with its policy."""
    return Response(_PAGE, headers={"Content-Security-Policy": POLICY}, media_type="text/html")
