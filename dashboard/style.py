"""How the pages look: a printed research report. Colours follow the viewer's theme through `light-dark()`."""

CSS = """
<style>
.stApp { --oxblood: light-dark(#6b1e2b, #e58b96); --muted: light-dark(#5f5a52, #a8a297); --rule: light-dark(#ddd5c5, #34312b);
  --mark: light-dark(#f2e2d5, #3a2724); --paper: light-dark(#fcf9f2, #14130f); }
.stMainBlockContainer { max-width: 46rem; }
.di { font-family: Georgia, 'Times New Roman', 'Liberation Serif', serif; line-height: 1.55; font-size: 1rem; }
.di h1 { font-weight: 400; font-size: 2.75rem; line-height: 1.15; margin: 0 0 .4rem; padding: 0; letter-spacing: 0; }
.di h2 { font-weight: 400; font-size: 1.95rem; line-height: 1.2; margin: .1rem 0 .5rem; padding: 0; letter-spacing: 0; }
.di h3 { font-weight: 400; font-size: 1.7rem; margin: 1.6rem 0 .4rem; padding: 0; letter-spacing: 0; }
.di h3.small { font-weight: 600; font-size: 1.05rem; margin: 1.3rem 0 .2rem; padding: 0; }
.di .sub, .di .caption { color: var(--muted); }
.di .provenance { border-block: 1px solid var(--rule); padding: .45rem 0; margin: .9rem 0 1.6rem; color: var(--muted); font-size: .9rem; }
.di .provenance code { background: none; color: inherit; padding: 0; font-size: .85rem; }
.di .kicker { color: var(--oxblood); font-variant: small-caps; letter-spacing: .03em; margin: 0; }
.di .headline { color: var(--muted); font-size: 1.12rem; margin: 0 0 .4rem; }
.di .scripted { display: inline-block; border: 1px solid var(--oxblood); color: var(--oxblood); border-radius: 3px; padding: 0 .4rem;
  font-size: .85rem; margin: 0 0 .5rem; }
.di .caption { font-size: .92rem; }
.di a { color: var(--oxblood); }
.di blockquote { border-left: 3px solid var(--oxblood); margin: 1rem 0; padding: .1rem 0 .1rem 1rem; color: inherit; opacity: 1; }
.di blockquote p { margin: .2rem 0; }
.di .scroll { overflow-x: auto; }
.di .statistics th { width: 45%; overflow-wrap: anywhere; } .di .statistics td { white-space: pre-line; }
.di table { border-collapse: collapse; width: 100%; font-size: .88rem; }
.di th { text-align: left; font-weight: 400; color: var(--muted); border: 0; border-bottom: 1px solid var(--rule); padding: .25rem .6rem .25rem 0; }
.di td { border: 0; border-bottom: 1px solid var(--rule); padding: .25rem .6rem .25rem 0; vertical-align: top; overflow-wrap: break-word; }
.di td.n, .di th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.di td small { display: block; color: var(--muted); } .di td .line { white-space: nowrap; }
.di td .scripted { margin: 0; padding: 0 .25rem; font-size: .75rem; } .di .scroll + .caption { margin-top: .5rem; }
.di .text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }
.di .di-chip { display: inline-block; max-width: 100%; line-height: 1.3; font-size: .68rem; border: 1px solid currentColor; border-radius: 3px; padding: 0 .2rem; background: none; color: inherit; }
@media (max-width: 640px) {
  .stMainBlockContainer { padding-inline: 1rem; }
  .di h1 { font-size: 2.4rem; }
}
</style>
"""


def page(html: str) -> str:
    """A piece of a page, in the report's type."""
    return f"<div class='di'>{html}</div>"
