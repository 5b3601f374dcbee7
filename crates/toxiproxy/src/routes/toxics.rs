//! `/proxies/{proxy}/toxics`.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};

use super::{Answer, Api, Body, bytes, json};
use crate::{fields::Fields, toxic::Toxic};

pub(super) async fn index(State(shared): Api, Path(proxy): Path<String>) -> Answer {
    let collection = shared.collection.lock().await;
    let toxics: Vec<&Toxic> = collection.get(&proxy)?.toxics().collect();
    json(StatusCode::OK, &toxics)
}

pub(super) async fn create(State(shared): Api, Path(proxy): Path<String>, body: Body) -> Answer {
    let mut collection = shared.collection.lock().await;
    let (member, ground) = collection.get_mut(&proxy)?;
    let toxic = Toxic::read(&Fields::read(&bytes(body)?)?)?;
    json(StatusCode::OK, member.add(ground, toxic)?)
}

pub(super) async fn show(State(shared): Api, Path((proxy, toxic)): Path<(String, String)>) -> Answer {
    json(StatusCode::OK, shared.collection.lock().await.get(&proxy)?.toxic(&toxic)?)
}

pub(super) async fn update(
    State(shared): Api,
    Path((proxy, toxic)): Path<(String, String)>,
    body: Body,
) -> Answer {
    let mut collection = shared.collection.lock().await;
    let (member, ground) = collection.get_mut(&proxy)?;
    member.toxic(&toxic)?;
    let fields = Fields::read(&bytes(body)?)?;
    json(StatusCode::OK, member.alter(ground, &toxic, &fields)?)
}

pub(super) async fn delete(State(shared): Api, Path((proxy, toxic)): Path<(String, String)>) -> Answer {
    let mut collection = shared.collection.lock().await;
    collection.get_mut(&proxy)?.0.remove(&toxic)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
