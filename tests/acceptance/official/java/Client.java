// Drives the official Socket.IO client of Java; `programs.py` says how.

import io.socket.client.AckWithTimeout;
import io.socket.client.IO;
import io.socket.client.Socket;
import io.socket.emitter.Emitter;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.json.JSONArray;
import org.json.JSONObject;

public class Client {
  private static final long TIMEOUT_MS = 20_000;
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private static final Map<String, Socket> SOCKETS = new ConcurrentHashMap<>();
  private static final Map<String, Map<String, Object>> AUTHS = new ConcurrentHashMap<>();

  public static void main(String[] arguments) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JSONObject command = new JSONObject(line);
      try {
        serve(command);
      } catch (Exception error) {
        say(new JSONObject().put("id", command.get("id")).put("error", error.toString()));
      }
    }
    System.exit(0);
  }

  private static void serve(JSONObject command) throws Exception {
    String name = command.getString("socket");
    switch (command.getString("op")) {
      case "connect" -> connect(name, command);
      case "auth" -> fill(AUTHS.get(name), command.getJSONObject("auth"));
      case "close" -> SOCKETS.get(name).disconnect();
      case "emit" -> {
        emit(name, command);
        return; // The acknowledgement answers.
      }
      default -> throw new IllegalArgumentException(command.getString("op"));
    }
    say(new JSONObject().put("id", command.get("id")).put("answer", JSONObject.NULL));
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static void connect(String name, JSONObject command) throws Exception {
    Map<String, Object> auth = new ConcurrentHashMap<>();
    fill(auth, command.getJSONObject("auth"));
    AUTHS.put(name, auth);
    JSONArray wanted = command.getJSONArray("transports");
    String[] transports = new String[wanted.length()];
    for (int i = 0; i < transports.length; i++) {
      transports[i] = wanted.getString(i);
    }
    IO.Options options = new IO.Options();
    options.path = "/ws/";
    options.auth = (Map) auth; // Declared to hold strings only; it is sent as it is.
    options.transports = transports;
    options.forceNew = true;
    options.reconnectionDelay = 200;
    options.reconnectionDelayMax = 1000;
    Socket socket = IO.socket(URI.create(command.getString("url")), options);
    SOCKETS.put(name, socket);
    socket.on(Socket.EVENT_CONNECT, tell(name, "$connect"));
    socket.on(Socket.EVENT_DISCONNECT, tell(name, "$disconnect"));
    socket.on(Socket.EVENT_CONNECT_ERROR, tell(name, "$refused"));
    socket.onAnyIncoming(given -> event(name, (String) given[0], given.length > 1 ? given[1] : JSONObject.NULL));
    socket.connect();
  }

  private static void fill(Map<String, Object> auth, JSONObject from) throws Exception {
    for (Iterator<?> keys = from.keys(); keys.hasNext(); ) {
      String key = (String) keys.next();
      auth.put(key, from.get(key));
    }
  }

  private static Emitter.Listener tell(String name, String event) {
    return given -> {
      Object data = given.length > 0 ? given[0] : JSONObject.NULL;
      if (data instanceof JSONObject problem && problem.opt("data") != null) {
        data = problem.opt("data"); // Of a refusal: its message, and what the server adds.
      }
      event(name, event, data instanceof JSONObject ? data : data.toString());
    };
  }

  private static void emit(String name, JSONObject command) throws Exception {
    Object number = command.get("id");
    Object[] data = {command.get("data")};
    SOCKETS.get(name).emit(command.getString("event"), data, new AckWithTimeout(TIMEOUT_MS) {
      @Override
      public void onSuccess(Object... answers) {
        answer(number, "answer", answers[0]);
      }

      @Override
      public void onTimeout() {
        answer(number, "error", "no acknowledgement");
      }
    });
  }

  private static void answer(Object number, String kind, Object value) {
    try {
      say(new JSONObject().put("id", number).put(kind, value));
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }

  private static void event(String name, String event, Object data) {
    try {
      say(new JSONObject().put("socket", name).put("event", event).put("data", data));
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }

  private static synchronized void say(JSONObject line) {
    OUT.println(line);
  }
}
