// Requests to the server. An error's message is the server's own.

async function answerOf(request) {
  let response;
  try {
    response = await request;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is seqtag serve still running?");
  }
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

function post(path, fields, signal) {
  const headers = { "Content-Type": "application/json" };
  return answerOf(fetch(path, { method: "POST", headers, body: JSON.stringify(fields), signal }));
}

export const tag = (fields, signal) => post("tag", fields, signal);
export const trace = (fields, signal) => post("trace", fields, signal);
export const labels = async () => (await answerOf(fetch("labels"))).models;
