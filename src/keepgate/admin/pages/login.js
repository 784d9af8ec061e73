"use strict";
const API = "/admin/api/v1";
const said = document.getElementById("said");

async function post(path, body) {
  const answer = await fetch(API + path, {
    method: "POST",
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.title);
  return found;
}

function done(login) {
  sessionStorage.setItem("keepgate-csrf", login.csrf);
  said.textContent = `logged in as ${login.name} (${login.roles.join(", ")})`;
}

async function attempt(work) {
  said.textContent = "";
  try {
    done(await work());
  } catch (error) {
    said.textContent = error.message;
  }
}

document.getElementById("passkey").addEventListener("click", () =>
  attempt(async () => {
    const asked = await post("/login/passkey/question");
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.options);
    const credential = await navigator.credentials.get({ publicKey });
    return post("/login/passkey", { question: asked.question, credential: credential.toJSON() });
  }));

document.getElementById("code").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(() => post("/login", Object.fromEntries(new FormData(event.target))));
});

fetch(`${API}/login`).then((answer) => answer.json()).then((ways) => {
  const link = document.getElementById("elsewhere");
  link.hidden = !ways.elsewhere;
  if (ways.elsewhere) link.href = ways.elsewhere;
});

fetch(`${API}/this`).then(async (answer) => {
  if (answer.ok) done(await answer.json()); // back from the provider, or still logged in
});
