#!/usr/bin/env bash
# Make sure that the browser tests have a Chromium: the one that is here, or Debian's where we may install it.
# Without either, those tests skip and say why.
set -euo pipefail
if command -v chromium >/dev/null || command -v google-chrome >/dev/null || [ -n "${LEPTON_CHROMIUM:-}" ]; then
    exit 0
fi
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
else
    echo "No Chromium here and no right to install one: browser tests will be skipped." >&2
fi
