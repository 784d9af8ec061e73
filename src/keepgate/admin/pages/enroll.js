"use strict";
const API = "/admin/api/v1";
const said = document.getElementById("said");
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname); // the link is not kept in the history

async function post(path, body) {
  const answer = await fetch(API + path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const found = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw new Error(found.title);
  return found;
}

document.getElementById("enroll").addEventListener("click", async () => {
  said.textContent = "";
  try {
    const asked = await post("/enrolment/question", { token });
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked.options);
    const credential = await navigator.credentials.create({ publicKey });
    const label = document.getElementById("label").value;
    await post("/enrolment", { token, question: asked.question, credential: credential.toJSON(), label });
    said.textContent = "added: log in with it at /admin/login";
  } catch (error) {
    said.textContent = error.message;
  }
});
