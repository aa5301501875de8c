/// Brings the page up to date every 10 s while somebody looks at it: fetches it anew and puts its main part in the place of the old one.
/// Where the reader is, what is unfolded and what has the focus stay, and a text that is being selected isn't touched. A controller of
/// another release may have another style: then the page is loaded anew as a whole. `contentSecurityPolicy` has the hash.
let pageScript: HTML.Markup = """
    (() => {
    const find = (name, from = document) => from.querySelector(name);
    const every = 10000;
    let timer, from = 0;
    const keep = (main) => {
    const fold = document.activeElement.closest("main details:not([open]) summary, main summary");
    return {
    open: [...main.querySelectorAll("details")].map((one) => [one.id, one.open]),
    aside: [...main.querySelectorAll(".wide")].map((one) => [one.id, one.scrollLeft]),
    focus: fold ? "#" + fold.parentNode.id + ">summary" : main.contains(document.activeElement) ? "#" + document.activeElement.id : "",
    top: scrollY };
    };
    const refresh = async () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, every);
    if (document.hidden) return;
    from = Date.now();
    try {
    const answer = await fetch(location.pathname, { cache: "no-store", signal: AbortSignal.timeout(8000) });
    if (!answer.ok) throw answer.status;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!find("#when", fresh)) throw 0;
    find("#lost").textContent = "";
    if (find("style", fresh).textContent !== find("style").textContent) return location.reload();
    const main = find("main"), selection = getSelection();
    if (!selection.isCollapsed && main.contains(selection.anchorNode)) return;
    const kept = keep(main);
    main.replaceWith(document.adoptNode(find("main", fresh)));
    for (const [id, open] of kept.open) { const one = document.getElementById(id); if (one) one.open = open; }
    for (const [id, left] of kept.aside) { const one = document.getElementById(id); if (one) one.scrollLeft = left; }
    if (kept.focus) find(kept.focus)?.focus({ preventScroll: true });
    scrollTo({ top: kept.top, behavior: "instant" });
    find("#when").textContent = find("#when", fresh).textContent;
    document.title = fresh.title;
    } catch {
    find("#lost").textContent = "The controller can't be reached. This is from " + find("#when").textContent +
    ", and may not be so any more. Trying again every 10 s.";
    }
    };
    document.addEventListener("visibilitychange", () => { if (!document.hidden && Date.now() - from > every) refresh(); });
    timer = setTimeout(refresh, every);
    })();
    """

/// SHA-256 of `pageScript` in base 64; `PageTests` computes it.
let pageScriptHash = "gv1F3BXQ0mR73Zx7VAoM+sba6KptjRecnfJzc568CVE="
