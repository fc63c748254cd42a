//! One macro for each kind: exports a function as the component's.

/// The frame of every export.
#[doc(hidden)]
#[macro_export]
macro_rules! export {
    ($kind:ident, $guest:ident, { $($function:tt)* }) => {
        struct Component;

        impl $crate::$guest for Component {
            $($function)*
        }

        $crate::bindings::$kind::export!(Component with_types_in $crate::bindings::$kind);
    };
}

/// Exports a function as the component's `analyze`.
#[macro_export]
macro_rules! analyzer {
    ($analyze:path) => {
        $crate::export!(image_analyzer, AnalyzerGuest, {
            fn analyze(files: Vec<$crate::InputFile>) -> Result<$crate::Analysis, $crate::Error> {
                $analyze(files)
            }
        });
    };
}

/// Exports a function as the component's `check`.
#[macro_export]
macro_rules! posture {
    ($check:path) => {
        $crate::export!(posture, PostureGuest, {
            fn check(resources: Vec<$crate::AssetResource>) -> Result<$crate::Assessment, $crate::Error> {
                $check(resources)
            }
        });
    };
}

/// Exports a function of the events alone as the component's `correlate`.
#[macro_export]
macro_rules! correlator {
    ($correlate:path) => {
        $crate::export!(correlator, CorrelatorGuest, {
            fn correlate(
                events: Vec<$crate::Event>,
                _due: Vec<$crate::Timer>,
                _watermark: u64,
            ) -> Result<$crate::Correlation, $crate::Error> {
                $correlate(events)
            }
        });
    };
}

/// Exports a function as the component's `assess`.
#[macro_export]
macro_rules! compliance {
    ($assess:path) => {
        $crate::export!(compliance, ComplianceGuest, {
            fn assess(
                observations: Vec<$crate::Observation>,
            ) -> Result<Vec<$crate::ControlResult>, $crate::Error> {
                $assess(observations)
            }
        });
    };
}

/// Exports a function as the component's `review`.
#[macro_export]
macro_rules! admission {
    ($review:path) => {
        $crate::export!(admission, AdmissionGuest, {
            fn review(request: Vec<u8>) -> Result<$crate::Decision, $crate::Error> {
                $review(request)
            }
        });
    };
}

/// Exports a function as the component's `collect`.
#[macro_export]
macro_rules! collector {
    ($collect:path) => {
        $crate::export!(collector, CollectorGuest, {
            fn collect(cursor: Option<String>) -> Result<$crate::Page, $crate::Error> {
                $collect(cursor)
            }
        });
    };
}

/// Exports a function as the component's `notify`.
#[macro_export]
macro_rules! notifier {
    ($notify:path) => {
        $crate::export!(notifier, NotifierGuest, {
            fn notify(notice: $crate::Notice) -> Result<$crate::Receipt, $crate::Error> {
                $notify(notice)
            }
        });
    };
}
