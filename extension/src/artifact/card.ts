// SPDX-License-Identifier: BSD-3-Clause
// The card of an artifact is Markdown of whoever made it. Its HTML and pictures stay text: names are data, and
// a picture from elsewhere would tell that the card was read.

/** Markdown without HTML, pictures and what looks like either. */
export function harmless(markdown: string): string {
  return markdown.replace(
    /(\\*)(<(?=[A-Za-z/!?])|!\[)/g,
    (_, before: string, mark: string) => before + (before.length % 2 ? '' : '\\') + mark
  );
}
