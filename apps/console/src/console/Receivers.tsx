import { Code, List, SegmentedControl, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { Endpoint } from '../broker/answers';
import { CopyButton } from '../parts/Copyable';
import { Section } from '../parts/PageFrame';

/** What a receiver should do, in four languages. */
export function Receivers({ endpoint }: { endpoint: Endpoint }) {
  const [language, setLanguage] = useState<Language>('node');
  const code = receivers[language];
  return (
    <Stack gap="lg">
      <Section title="What your receiver has to do">
        <List type="ordered" size="sm" spacing={8}>
          <List.Item>
            <b>Verify the signature</b> over the body as it came, byte for byte, with this endpoint’s signing secret, and refuse what is
            older than five minutes. Any <a href="https://www.standardwebhooks.com">Standard Webhooks</a> library does both.
          </List.Item>
          <List.Item>
            <b>Ignore duplicates.</b> <span className="mono">webhook-id</span> is the event’s id, the same at every attempt. Or compare the{' '}
            <span className="mono">version</span> of the user or group with the one that you have: a lower one is out of date.
          </List.Item>
          <List.Item>
            <b>Answer 2xx within 15 seconds, once the event is stored.</b> Put longer work into your own queue. Any other answer is tried
            again; 410 disables the endpoint.
          </List.Item>
          <List.Item>
            <b>Revoke access on</b> <span className="mono">user.deactivated</span> and <span className="mono">user.deleted</span>, at once.
          </List.Item>
        </List>
        {endpoint.ordering === 'none' && (
          <Text size="sm" mt="sm" c="dimmed">
            This endpoint gets events without order: compare <span className="mono">sequence</span> before you apply one.
          </Text>
        )}
      </Section>
      <Section
        title="Example receiver"
        actions={
          <>
            <SegmentedControl
              size="xs"
              aria-label="Language"
              value={language}
              onChange={(value) => setLanguage(value as Language)}
              data={[
                { value: 'node', label: 'Node' },
                { value: 'python', label: 'Python' },
                { value: 'go', label: 'Go' },
                { value: 'ruby', label: 'Ruby' },
              ]}
            />
            <CopyButton value={code} label="Copy the code" />
          </>
        }
      >
        <Code block fz={12.5} tabIndex={0} role="region" aria-label="Code of a receiver" style={{ overflowX: 'auto' }}>
          {code}
        </Code>
      </Section>
    </Stack>
  );
}

const receivers = {
  node: `// npm install express standardwebhooks
import express from 'express';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.CAUSEWAY_SECRET); // whsec_…
const app = express();

app.post('/webhooks/causeway', express.raw({ type: '*/*', limit: '1mb' }), async (req, res) => {
  let event;
  try {
    event = webhook.verify(req.body, req.headers);
  } catch {
    return res.status(401).end();
  }
  // A unique index on the id makes the second arrival of an event do nothing.
  await keepOnce(req.headers['webhook-id'], event);
  res.status(204).end();
});

app.listen(3000);`,
  python: `# pip install flask standardwebhooks
import os
from flask import Flask, request
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["CAUSEWAY_SECRET"])  # whsec_…
app = Flask(__name__)

@app.post("/webhooks/causeway")
def receive():
    try:
        event = webhook.verify(request.get_data(), request.headers)
    except WebhookVerificationError:
        return "", 401
    # A unique index on the id makes the second arrival of an event do nothing.
    keep_once(request.headers["webhook-id"], event)
    return "", 204`,
  go: `// go get github.com/standard-webhooks/standard-webhooks/libraries/go
package main

import (
	"io"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("CAUSEWAY_SECRET")) // whsec_…
	if err != nil {
		panic(err)
	}
	http.HandleFunc("POST /webhooks/causeway", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || webhook.Verify(body, r.Header) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		// A unique index on the id makes the second arrival of an event do nothing.
		if keepOnce(r.Header.Get("webhook-id"), body) != nil {
			w.WriteHeader(http.StatusServiceUnavailable) // it is sent again
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	http.ListenAndServe(":3000", nil)
}`,
  ruby: `# gem install sinatra standardwebhooks
require "sinatra"
require "standardwebhooks"

webhook = StandardWebhooks::Webhook.new(ENV.fetch("CAUSEWAY_SECRET")) # whsec_…

post "/webhooks/causeway" do
  body = request.body.read
  headers = %w[webhook-id webhook-timestamp webhook-signature].to_h do |name|
    [name, request.env["HTTP_#{name.upcase.tr("-", "_")}"]]
  end
  begin
    event = webhook.verify(body, headers)
  rescue StandardWebhooks::WebhookVerificationError
    halt 401
  end
  # A unique index on the id makes the second arrival of an event do nothing.
  keep_once(headers["webhook-id"], event)
  status 204
end`,
};

type Language = keyof typeof receivers;
