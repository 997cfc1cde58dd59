# Net::HTTP of Ruby's standard library, as its documentation uses it.
require "json"
require "net/http"

CLIENT = ENV.fetch("MATRIX_CLIENT")
GITHUB = ENV.fetch("GITHUB_TOKEN")
SITE = "https://api.github.com/repos/acme/site"
CHAT = "https://api.openai.com/v1/chat/completions"
STREAMED = { model: "gpt-demo", messages: [{ role: "user", content: "hi" }], stream: true }.freeze

def ask(kind, address, body = nil, key: GITHUB, &block)
  uri = URI(address)
  request = kind.new(uri, "Authorization" => "Bearer #{key}", "Content-Type" => "application/json")
  request.body = body.to_json if body
  Net::HTTP.start(uri.host, uri.port, use_ssl: true, read_timeout: 60) { |http| http.request(request, &block) }
end

def allowed = JSON.parse(ask(Net::HTTP::Get, "https://api.github.com/user").body)["login"] == "octo-demo"

# `value` raises for an answer that is no success.
def denied = ask(Net::HTTP::Put, "#{SITE}/pulls/1/merge").value

def held = JSON.parse(ask(Net::HTTP::Post, "#{SITE}/issues", { title: CLIENT }).body)["title"] == CLIENT

def stream
  words = +""
  ask(Net::HTTP::Post, CHAT, STREAMED, key: ENV.fetch("OPENAI_API_KEY")) do |answer|
    answer.read_body do |piece|
      piece.scan(/"content": ?"([^"]*)"/) do |word,|
        puts({ event: "first" }.to_json) if words.empty? && !word.empty?
        words << word
      end
    end
  end
  words == "Hello from the double."
end

$stdout.sync = true
puts({ version: RUBY_VERSION }.to_json)
ENV.fetch("MATRIX_SCENARIOS").split.each do |name|
  ok, seen = begin
    [send(name), "true"]
  rescue StandardError => e
    [name == "denied", "#{e.class}: #{e.message}"]
  end
  puts({ scenario: name, ok: ok == true, seen:, key_seen: GITHUB }.to_json)
end
