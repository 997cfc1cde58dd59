<?php
// PHP's curl extension, as its documentation uses it: no word of a proxy or of certificates.

const SITE = 'https://api.github.com/repos/acme/site';
const STREAMED = ['model' => 'gpt-demo', 'messages' => [['role' => 'user', 'content' => 'hi']], 'stream' => true];

function ask(string $method, string $url, ?array $body = null, array $options = [], string $key = 'GITHUB_TOKEN'): string
{
    $handle = curl_init($url);
    $headers = ['Authorization: Bearer ' . getenv($key), 'Content-Type: application/json', 'User-Agent: php'];
    curl_setopt_array($handle, [
        CURLOPT_CUSTOMREQUEST => $method,
        CURLOPT_HTTPHEADER => $headers,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 60,
    ] + ($body === null ? [] : [CURLOPT_POSTFIELDS => json_encode($body)]) + $options);
    $answer = curl_exec($handle);
    if ($answer === false) {
        throw new RuntimeException(curl_error($handle));
    }
    $status = curl_getinfo($handle, CURLINFO_RESPONSE_CODE);
    if ($status >= 300) {
        throw new RuntimeException("status $status: " . trim($answer));
    }
    return $answer;
}

function stream(): bool
{
    $words = '';
    $take = function ($handle, string $piece) use (&$words): int {
        preg_match_all('/"content": ?"([^"]*)"/', $piece, $found);
        foreach (array_filter($found[1]) as $word) {
            if ($words === '') {
                say(['event' => 'first']);
            }
            $words .= $word;
        }
        return strlen($piece);
    };
    $url = 'https://api.openai.com/v1/chat/completions';
    ask('POST', $url, STREAMED, [CURLOPT_WRITEFUNCTION => $take], 'OPENAI_API_KEY');
    return $words === 'Hello from the double.';
}

function say(array $line): void
{
    echo json_encode($line, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE), "\n";
}

$client = getenv('MATRIX_CLIENT');
$scenarios = [
    'allowed' => fn() => json_decode(ask('GET', 'https://api.github.com/user'))->login === 'octo-demo',
    'denied' => fn() => ask('PUT', SITE . '/pulls/1/merge') === '',
    'held' => fn() => json_decode(ask('POST', SITE . '/issues', ['title' => $client]))->title === $client,
    'stream' => fn() => stream(),
];
say(['version' => PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION . ', libcurl ' . curl_version()['version']]);
foreach (explode(' ', getenv('MATRIX_SCENARIOS')) as $name) {
    try {
        [$ok, $seen] = [$scenarios[$name](), 'true'];
    } catch (RuntimeException $fault) {
        [$ok, $seen] = [$name === 'denied', get_class($fault) . ': ' . $fault->getMessage()];
    }
    say(['scenario' => $name, 'ok' => $ok, 'seen' => $seen, 'key_seen' => getenv('GITHUB_TOKEN')]);
}
