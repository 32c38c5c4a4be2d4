/* Starts Swagger UI on this service's own description; a file because no inline script may run. */
window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: document.querySelector("#swagger-ui").dataset.openapi,
    dom_id: "#swagger-ui",
    deepLinking: true,
    docExpansion: "list",
    filter: true,
    persistAuthorization: false, // a key must not outlive the page
    validatorUrl: null, // no outside host
  });
});
