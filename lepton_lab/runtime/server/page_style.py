# SPDX-License-Identifier: BSD-3-Clause
"""The look of the page at GET /, in light and in dark."""

STYLE = """
:root{color-scheme:light dark;--back:#f5f6f8;--card:#fff;--text:#1a1d21;--soft:#5b6570;--line:#d9dde3;--strong:#2f5bd0;
--on:#fff;--track:#e8ebf0;--bad:#a3201b;--bad-back:#fdeeed}
@media(prefers-color-scheme:dark){:root{--back:#14161a;--card:#1d2026;--text:#e9ebee;--soft:#a3acb8;--line:#343a44;
--strong:#8fb0ff;--on:#10131a;--track:#2b303a;--bad:#ffb4ab;--bad-back:#3a2020}}
*{box-sizing:border-box}[hidden]{display:none!important}
body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--back)}
main{max-width:46rem;margin:0 auto;padding:2.5rem 1rem 4rem}
h1{margin:0;font-size:1.6rem;line-height:1.2;overflow-wrap:anywhere}h2{margin:0 0 1rem;font-size:1rem}
#about{margin:.3rem 0 1.5rem;color:var(--soft)}
.card{margin:0 0 1rem;padding:1.25rem;border:1px solid var(--line);border-radius:.75rem;background:var(--card)}
label{display:block;font-weight:600;overflow-wrap:anywhere}.field{margin:0 0 1rem}
.rows{display:grid;grid-template-columns:repeat(auto-fill,minmax(12rem,1fr));gap:0 1rem}
input,textarea,button{font:inherit;font-weight:400;color:inherit}
.field input,textarea{display:block;width:100%;margin-top:.3rem;padding:.55rem .7rem;border:1px solid var(--line);
border-radius:.45rem;background:var(--back)}
button{padding:.55rem 1.2rem;border:0;border-radius:.45rem;color:var(--on);background:var(--strong);font-weight:600;cursor:pointer}
button:disabled{opacity:.6;cursor:default}
:focus-visible,.drop:focus-within{outline:2px solid var(--strong);outline-offset:2px}
.drop{padding:1.75rem 1rem;border:2px dashed var(--line);border-radius:.6rem;text-align:center;cursor:pointer}
.drop.over,.drop:hover{border-color:var(--strong)}.drop input{position:absolute;opacity:0;width:1px;height:1px}
.drop span{display:block;font-weight:400;color:var(--soft)}
canvas,audio{display:block;max-width:100%;margin:0 auto 1rem;border-radius:.4rem}audio{width:100%}
.bar{display:grid;grid-template-columns:minmax(4rem,12rem) 1fr max-content;gap:.75rem;align-items:center;margin:.4rem 0}
.bar .name{overflow-wrap:anywhere}.bar .value{min-width:4.6rem;text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;color:var(--soft)}
.bar.best .name,.bar.best .value{font-weight:700;color:var(--text)}
.track{height:.6rem;border-radius:.3rem;background:var(--track);overflow:hidden}
.fill{height:100%;border-radius:.3rem;background:var(--tint,var(--strong))}
.number{font-size:2.4rem;font-weight:700;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.words{font-size:1.1rem;line-height:2.1;white-space:pre-wrap;overflow-wrap:anywhere}
mark{padding:.15em .3em;border-radius:.3em;color:inherit;background:color-mix(in srgb,var(--tint) 32%,transparent)}
mark small{margin-left:.45em;font-size:.72em;font-weight:700}
.error{color:var(--bad);background:var(--bad-back);border-color:var(--bad)}.note{color:var(--soft)}
details{margin-top:1rem;color:var(--soft)}summary{cursor:pointer}
pre{max-height:20rem;overflow:auto;margin:.5rem 0 0;padding:.8rem;border-radius:.45rem;background:var(--back);
color:var(--text);font-size:.85rem;white-space:pre-wrap;overflow-wrap:anywhere}
"""
