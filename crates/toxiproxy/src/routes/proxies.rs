//! `/proxies`, `/populate`, `/reset`.

use std::collections::BTreeMap;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde::Serialize;

use super::{Answer, Api, Body, bytes, json, whole};
use crate::{collection::Wanted, fields::Fields, member::View, server::populate as populate_all};

pub(super) async fn index(State(shared): Api) -> Answer {
    let collection = shared.collection.lock().await;
    let all: BTreeMap<&str, View<'_>> =
        collection.all().map(|member| member.view()).map(|view| (view.name, view)).collect();
    json(StatusCode::OK, &all)
}

pub(super) async fn create(State(shared): Api, body: Body) -> Answer {
    let fields = Fields::read(&bytes(body)?)?;
    whole(async move {
        let (name, settings) = Wanted::read_new(&fields, shared.allow_remote, "").await?;
        let mut collection = shared.collection.lock().await;
        json(StatusCode::CREATED, &collection.create(name, settings).await?.view())
    })
    .await
}

/// What was made or found until something went wrong, and what that was.
#[derive(Serialize)]
struct Populated<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    proxies: Vec<View<'a>>,
}

pub(super) async fn populate(State(shared): Api, body: Body) -> Answer {
    whole(async move {
        let (names, refused) = match bytes(body).and_then(|body| Fields::read_list(&body)) {
            Ok(list) => populate_all(&shared, &list).await,
            Err(refusal) => (Vec::new(), Some(refusal)),
        };
        let collection = shared.collection.lock().await;
        let populated = Populated {
            error: refused.as_ref().map(|refusal| refusal.error.as_str()),
            status: refused.as_ref().map(|refusal| refusal.status.as_u16()),
            // One may have been deleted in this moment.
            proxies: names
                .iter()
                .filter_map(|name| collection.get(name).ok())
                .map(|one| one.view())
                .collect(),
        };
        json(refused.as_ref().map_or(StatusCode::CREATED, |refusal| refusal.status), &populated)
    })
    .await
}

pub(super) async fn show(State(shared): Api, Path(proxy): Path<String>) -> Answer {
    json(StatusCode::OK, &shared.collection.lock().await.get(&proxy)?.view())
}

pub(super) async fn update(State(shared): Api, Path(proxy): Path<String>, body: Body) -> Answer {
    whole(async move {
        shared.collection.lock().await.get(&proxy)?;
        let fields = Fields::read(&bytes(body)?)?;
        let wanted = Wanted::read(&fields, shared.allow_remote).await?;
        let mut collection = shared.collection.lock().await;
        json(StatusCode::OK, &collection.update(&proxy, wanted).await?.view())
    })
    .await
}

pub(super) async fn delete(State(shared): Api, Path(proxy): Path<String>) -> Answer {
    whole(async move {
        shared.collection.lock().await.delete(&proxy).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

pub(super) async fn reset(State(shared): Api) -> Answer {
    whole(async move {
        let mut collection = shared.collection.lock().await;
        collection.reset().await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}
