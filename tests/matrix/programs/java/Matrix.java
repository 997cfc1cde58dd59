import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Iterator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The two clients that the JDK brings, used as their documentation does: no word of a proxy or of certificates. */
public class Matrix {
    static final String CLIENT = System.getenv("MATRIX_CLIENT");
    static final String KEY = System.getenv("GITHUB_TOKEN");
    static final String GITHUB = "https://api.github.com", AT = GITHUB + "/repos/acme/site";
    static final String CHAT = "https://api.openai.com/v1/chat/completions";
    static final String STREAMED =
        "{\"model\": \"gpt-demo\", \"messages\": [{\"role\": \"user\", \"content\": \"hi\"}], \"stream\": true}";
    static final Pattern WORD = Pattern.compile("\"content\": ?\"([^\"]*)\"");

    /** One way to ask. */
    interface Asker {
        /** The body of a good answer; any other raises with what the answer says. */
        String ask(String method, String url, String body) throws Exception;

        /** The lines of an answer as they come. */
        Iterator<String> lines(String url, String body) throws Exception;
    }

    static class NewClient implements Asker {
        final HttpClient client = HttpClient.newHttpClient();

        public String ask(String method, String url, String body) throws Exception {
            var answer = client.send(request(method, url, KEY, body), BodyHandlers.ofString());
            if (answer.statusCode() >= 300) {
                throw new IOException("status " + answer.statusCode() + ": " + answer.body());
            }
            return answer.body();
        }

        public Iterator<String> lines(String url, String body) throws Exception {
            var key = System.getenv("OPENAI_API_KEY");
            return client.send(request("POST", url, key, body), BodyHandlers.ofLines()).body().iterator();
        }

        static HttpRequest request(String method, String url, String key, String body) {
            var publisher =
                body.isEmpty() ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body);
            return HttpRequest.newBuilder(URI.create(url)).header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/json").method(method, publisher).build();
        }
    }

    static class OldConnection implements Asker {
        public String ask(String method, String url, String body) throws Exception {
            return String.join("\n", (Iterable<String>) () -> read(open(method, url, KEY, body)));
        }

        public Iterator<String> lines(String url, String body) throws Exception {
            return read(open("POST", url, System.getenv("OPENAI_API_KEY"), body));
        }

        static HttpURLConnection open(String method, String url, String key, String body) {
            try {
                var connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
                connection.setRequestMethod(method);
                connection.setRequestProperty("Authorization", "Bearer " + key);
                connection.setRequestProperty("Content-Type", "application/json");
                if (!body.isEmpty()) {
                    connection.setDoOutput(true);
                    connection.getOutputStream().write(body.getBytes());
                }
                return connection;
            } catch (IOException fault) {
                throw new java.io.UncheckedIOException(fault);
            }
        }

        static Iterator<String> read(HttpURLConnection connection) {
            try {
                if (connection.getResponseCode() >= 300) {
                    var told = String.join("\n", (Iterable<String>) () -> lines(connection.getErrorStream()));
                    throw new IOException("status " + connection.getResponseCode() + ": " + told);
                }
                return lines(connection.getInputStream());
            } catch (IOException fault) {
                throw new java.io.UncheckedIOException(fault);
            }
        }

        static Iterator<String> lines(InputStream stream) {
            return new BufferedReader(new InputStreamReader(stream)).lines().iterator();
        }
    }

    static String streamed(Asker asker) throws Exception {
        var words = new StringBuilder();
        for (var lines = asker.lines(CHAT, STREAMED); lines.hasNext();) {
            Matcher found = WORD.matcher(lines.next());
            if (found.find() && !found.group(1).isEmpty()) {
                if (words.length() == 0) {
                    System.out.println("{\"event\": \"first\"}");
                }
                words.append(found.group(1));
            }
        }
        return words.toString();
    }

    /** What came of a scenario; the right answer holds the second text. */
    static List<String> play(String scenario, Asker asker) throws Exception {
        switch (scenario) {
            case "allowed": return List.of(asker.ask("GET", GITHUB + "/user", ""), "octo-demo");
            case "denied": return List.of(asker.ask("PUT", AT + "/pulls/1/merge", ""), "no answer is right");
            case "held": return List.of(asker.ask("POST", AT + "/issues", "{\"title\": \"by " + CLIENT + "\"}"), CLIENT);
            default: return List.of(streamed(asker), "Hello from the double.");
        }
    }

    static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
    }

    public static void main(String[] arguments) {
        System.out.println("{\"version\": " + quoted(System.getProperty("java.version")) + "}");
        Asker asker = CLIENT.contains("HttpClient") ? new NewClient() : new OldConnection();
        for (String scenario : System.getenv("MATRIX_SCENARIOS").split(" ")) {
            boolean ok;
            String seen;
            try {
                var came = play(scenario, asker);
                ok = came.get(0).contains(came.get(1));
                seen = came.get(0);
            } catch (Exception fault) {
                ok = scenario.equals("denied");
                seen = fault.toString();
            }
            System.out.printf("{\"scenario\": %s, \"ok\": %s, \"seen\": %s, \"key_seen\": %s}%n", quoted(scenario), ok,
                quoted(seen), quoted(KEY));
        }
    }
}
