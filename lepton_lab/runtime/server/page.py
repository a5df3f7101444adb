# SPDX-License-Identifier: BSD-3-Clause
"""GET /: a page to try the model. It is the same for every artifact and holds no text of anyone.

What is shown comes from the server, with the token that is typed in, and only ever as text. The
content security policy allows the script and the style of this page by their hashes and nothing else.
"""

from __future__ import annotations

import base64
import hashlib

from starlette.responses import Response

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
label{display:block;margin:1rem 0 .25rem}input,textarea,button{font:inherit;box-sizing:border-box;max-width:100%}
input[type=password],textarea{width:100%}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f3f3f3;color:#1b1b1b;padding:1rem}
button{margin-top:1rem;padding:.4rem 1rem}@media(prefers-color-scheme:dark){body{color:#eee;background:#181818}}
"""
_SCRIPT = """
"use strict";
const at = (id) => document.getElementById(id);
const say = (value) => { at("answer").textContent = typeof value === "string" ? value : JSON.stringify(value, null, 2); };
const token = () => { const value = at("token").value.trim(); return value ? { Authorization: "Bearer " + value } : {}; };
let files = false;
const read = async (response) => { const value = await response.json(); if (!response.ok) throw new Error(value.detail); return value; };
const connect = async (event) => {
  if (event) event.preventDefault();
  try {
    const about = await read(await fetch("openapi.json", { headers: token() }));
    const kind = about.info["x-lepton"].input;
    files = kind === "image" || kind === "sound";
    at("title").textContent = about.info.title;
    at("about").textContent = about.info.description;
    at("file").parentElement.hidden = !files;
    at("text").parentElement.hidden = files;
    const examples = about.paths["/predict"].post.requestBody.content["application/json"].examples;
    if (!files && examples && !at("text").value) at("text").value = JSON.stringify(examples.one.value.input);
    at("try").hidden = false;
    at("door").hidden = true;
    say("");
  } catch (error) { at("try").hidden = true; say(event ? error.message : "Enter the token to begin."); }
};
const ask = async (event) => {
  event.preventDefault();
  try {
    let body, type = "application/octet-stream";
    if (files) {
      body = at("file").files[0];
      if (!body) throw new Error("Choose a file.");
    } else {
      let input = at("text").value;
      try { input = JSON.parse(input); } catch { input = at("text").value; }
      if (typeof input === "number" || typeof input === "boolean" || input === null) input = at("text").value;
      body = JSON.stringify({ input });
      type = "application/json";
    }
    say("…");
    say(await read(await fetch("predict", { method: "POST", headers: { "Content-Type": type, ...token() }, body })));
  } catch (error) { say(error.message); }
};
at("door").addEventListener("submit", connect);
at("try").addEventListener("submit", ask);
connect();
"""
_PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Try the model</title><style>{_STYLE}</style></head><body>
<h1 id="title">Try the model</h1><p id="about"></p>
<form id="door"><p><label for="token">Token, as the server showed it when it was started</label>
<input id="token" type="password" autocomplete="off"></p><button>Connect</button></form>
<form id="try" hidden>
<p><label for="file">File</label><input id="file" type="file"></p>
<p><label for="text">Input</label><textarea id="text" rows="6"></textarea></p>
<button>Predict</button></form>
<h2>Answer</h2><pre id="answer" role="status" aria-live="polite"></pre>
<script>{_SCRIPT}</script></body></html>
"""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY = (
    f"default-src 'none'; script-src {_hash(_SCRIPT)}; style-src {_hash(_STYLE)}; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page() -> Response:
    """The page with its policy."""
    return Response(_PAGE, headers={"Content-Security-Policy": POLICY}, media_type="text/html")
