// Runs before the page is painted. A classic script, for a module would come too late.
{
  const kept = localStorage.getItem('loupe.theme')
  if (kept === 'light' || kept === 'dark') document.documentElement.dataset['theme'] = kept
}
