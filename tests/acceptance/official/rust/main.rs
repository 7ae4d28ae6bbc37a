// Drives the Socket.IO client of Rust; `programs.py` says how.

use futures_util::FutureExt;
use rust_socketio::asynchronous::{Client, ClientBuilder, ReconnectSettings};
use rust_socketio::{Event, Payload, TransportType};
use serde_json::{json, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::oneshot;

const TIMEOUT: Duration = Duration::from_secs(20);

type Auths = Arc<Mutex<HashMap<String, Value>>>;

fn say(line: Value) {
    println!("{line}");
}

fn first(payload: Payload) -> Value {
    match payload {
        Payload::Text(values) => values.into_iter().next().unwrap_or(Value::Null),
        _ => Value::Null,
    }
}

fn transport(names: &Value) -> TransportType {
    match (names[0].as_str(), names[1].as_str()) {
        (Some("websocket"), _) => TransportType::Websocket,
        (_, Some("websocket")) => TransportType::WebsocketUpgrade,
        _ => TransportType::Polling,
    }
}

async fn connect(name: String, command: &Value, auths: Auths) -> Result<Client, String> {
    let auth = command["auth"].clone();
    auths.lock().unwrap().insert(name.clone(), auth.clone());
    let heard = |event: &'static str| {
        let name = name.clone();
        move |data: Payload, _: Client| {
            say(json!({"socket": name, "event": event, "data": first(data)}));
            async {}.boxed()
        }
    };
    let (any, again) = (name.clone(), name.clone());
    ClientBuilder::new(format!("{}/ws/", command["url"].as_str().unwrap()))
        .transport_type(transport(&command["transports"]))
        .auth(auth)
        .reconnect_delay(200, 1000)
        .on(Event::Connect, heard("$connect"))
        .on(Event::Close, heard("$disconnect"))
        .on(Event::Error, heard("$refused"))
        .on_any(move |event, data, _| {
            say(json!({"socket": any, "event": event.as_str(), "data": first(data)}));
            async {}.boxed()
        })
        .on_reconnect(move || {
            let mut settings = ReconnectSettings::new();
            settings.auth(auths.lock().unwrap()[&again].clone());
            async { settings }.boxed()
        })
        .connect()
        .await
        .map_err(|error| error.to_string())
}

async fn emit(client: &Client, command: &Value) -> Result<Value, String> {
    let (told, answer) = oneshot::channel();
    let mut told = Some(told);
    let acknowledged = move |data: Payload, _: Client| {
        if let Some(told) = told.take() {
            let _ = told.send(first(data)[0].clone()); // All arguments of an acknowledgement come as one value.
        }
        async {}.boxed()
    };
    let event = command["event"].as_str().unwrap().to_owned();
    client
        .emit_with_ack(event, Payload::from(command["data"].clone()), TIMEOUT, acknowledged)
        .await
        .map_err(|error| error.to_string())?;
    let Ok(Ok(data)) = tokio::time::timeout(TIMEOUT, answer).await else {
        return Err("no acknowledgement".to_owned());
    };
    Ok(data)
}

async fn serve(command: Value, clients: Arc<Mutex<HashMap<String, Client>>>, auths: Auths) {
    let name = command["socket"].as_str().unwrap().to_owned();
    let known = clients.lock().unwrap().get(&name).cloned();
    let outcome = match (command["op"].as_str(), known) {
        (Some("connect"), _) => connect(name.clone(), &command, auths).await.map(|client| {
            clients.lock().unwrap().insert(name, client);
            Value::Null
        }),
        (Some("auth"), _) => {
            auths.lock().unwrap().insert(name, command["auth"].clone());
            Ok(Value::Null)
        }
        (Some("emit"), Some(client)) => emit(&client, &command).await,
        (Some("close"), Some(client)) => client.disconnect().await.map(|_| Value::Null).map_err(|e| e.to_string()),
        _ => Err("no such operation, or no such socket".to_owned()),
    };
    say(match outcome {
        Ok(answer) => json!({"id": command["id"], "answer": answer}),
        Err(error) => json!({"id": command["id"], "error": error}),
    });
}

#[tokio::main]
async fn main() {
    let clients = Arc::default();
    let auths = Auths::default();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let command = serde_json::from_str(&line).expect("a command");
        tokio::spawn(serve(command, Arc::clone(&clients), auths.clone()));
    }
}
