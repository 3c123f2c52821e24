(function () {
  "use strict";

  const QUERY = `# Milepost: one live order graph. Subscriptions work here too.
{
  orders(first: 10) {
    totalCount
    nodes {
      number
      displayStatus
      customer { name }
      total { amount currency }
    }
  }
}
`;

  // Browsers never send the fragment; it leaves the address bar, and so the history, at once.
  function takeToken() {
    const match = /^#token=([\w.-]+)$/.exec(window.location.hash);
    if (window.location.hash) {
      window.history.replaceState(null, "", window.location.pathname);
    }
    return match ? match[1] : "";
  }

  function socketUrl() {
    const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";
    return `${scheme}//${window.location.host}/graphql`;
  }

  const headers = JSON.stringify({ Authorization: `Bearer ${takeToken() || "paste a token here"}` }, null, 2);
  const fetcher = GraphiQL.createFetcher({
    url: `${window.location.origin}/graphql`,
    subscriptionUrl: socketUrl(),
  });

  ReactDOM.createRoot(document.getElementById("graphiql")).render(
    React.createElement(GraphiQL, {
      fetcher,
      headers,
      defaultHeaders: headers,
      defaultQuery: QUERY,
      defaultEditorToolsVisibility: "headers",
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: false,
    }),
  );
})();
