/* Shows the description that was built with this site. Nothing can be tried: no service is here. */
window.ui = SwaggerUIBundle({
  url: document.querySelector("#swagger-ui").dataset.openapi,
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  supportedSubmitMethods: [],
  validatorUrl: null, // no outside host
});
