//! Public addresses of the places that labels name. A site is read in the release that its line is counted in: 1.12 where it names none.

/// The source of 1.12.0.
const TF_1_12: &str = "https://github.com/tensorflow/tensorflow/blob/v1.12.0/tensorflow/core";
/// The source that labels of 2.x were read from.
const TF_2: &str =
    "https://github.com/theIArchitecture/tensorflow/blob/a3f2a79dcbba18ce12fba14cf6452ac753604526/tensorflow/core";
/// Pull requests of TensorFlow.
const PULL_REQUESTS: &str = "https://github.com/tensorflow/tensorflow/pull";

/// Folders below `tensorflow/core`, with the files there that labels name.
const FOLDERS: [(&str, &[&str]); 7] = [
    ("common_runtime", &["executor.cc", "executor.h"]),
    (
        "distributed_runtime",
        &[
            "base_rendezvous_mgr.cc",
            "call_options.cc",
            "graph_mgr.cc",
            "local_master.cc",
            "master_session.cc",
            "session_mgr.cc",
            "worker.cc",
        ],
    ),
    (
        "distributed_runtime/rpc",
        &[
            "grpc_call.h",
            "grpc_state.h",
            "grpc_worker_cache.cc",
            "grpc_worker_service.cc",
            "rpc_rendezvous_mgr.cc",
        ],
    ),
    (
        "framework",
        &["cancellation.cc", "local_rendezvous.cc", "rendezvous.cc"],
    ),
    ("kernels", &["fifo_queue.cc", "queue_base.cc"]),
    (
        "kernels/data",
        &[
            "captured_function.cc",
            "iterator_ops.cc",
            "parallel_interleave_dataset_op.cc",
            "parallel_map_iterator.cc",
            "prefetch_dataset_op.cc",
        ],
    ),
    ("platform/posix", &["env.cc"]),
];

/// Returns the address of a site, as in `grpc_state.h:54`, `base_rendezvous_mgr.cc:404 (2.x)` or `pull request 23580`.
pub(super) fn address(site: &str) -> Option<String> {
    if let Some(number) = site.strip_prefix("pull request ") {
        return Some(format!("{PULL_REQUESTS}/{number}"));
    }
    let (place, release) = match site.strip_suffix(" (2.x)") {
        Some(place) => (place, TF_2),
        None => (site, TF_1_12),
    };
    let (file, line) = match place.split_once(':') {
        Some((file, line)) => (file, format!("#L{line}")),
        None => (place, String::new()),
    };
    let (folder, _) = FOLDERS.iter().find(|(_, files)| files.contains(&file))?;
    Some(format!("{release}/{folder}/{file}{line}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::tensorflow::mechanisms::labels;

    #[test]
    fn every_label_leads_to_its_line_but_those_of_what_is_no_part_of_tensorflow() {
        for label in labels() {
            let line = label
                .site
                .trim_end_matches(" (2.x)")
                .split_once(':')
                .map(|(_, line)| line);
            match (address(label.site), line) {
                (Some(address), Some(line)) => assert!(address.ends_with(&format!("#L{line}")), "{address}"),
                (Some(address), None) => assert!(address.starts_with("https://github.com/"), "{address}"),
                (None, _) => {
                    let elsewhere = [
                        "EventCount.h",
                        "NonBlockingThreadPool.h",
                        "grpc core",
                        "operating system",
                    ];
                    let proposed = label.site.starts_with("variant ");
                    assert!(
                        proposed || elsewhere.contains(&label.site),
                        "{}: {}",
                        label.name,
                        label.site
                    );
                }
            }
        }
    }

    #[test]
    fn a_line_is_read_in_the_release_that_it_is_counted_in() {
        let places = [
            (
                "grpc_state.h:54",
                "/tensorflow/tensorflow/blob/v1.12.0/tensorflow/core/distributed_runtime/rpc/grpc_state.h#L54",
            ),
            ("pull request 23580", "/tensorflow/tensorflow/pull/23580"),
        ];
        for (site, path) in places {
            assert_eq!(address(site).as_deref(), Some(&*format!("https://github.com{path}")));
        }
        let newer = address("local_rendezvous.cc:418 (2.x)").expect("an address");
        assert!(
            !newer.contains("v1.12.0") && newer.ends_with("/framework/local_rendezvous.cc#L418"),
            "{newer}"
        );
    }
}
