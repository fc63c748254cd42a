//! What the attributes expand to: in a component the export of one kind, in native builds nothing but a use of the type.

/// The frame of every export: a type of its own that `wit-bindgen`'s macro exports.
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($kind:ident, $run:ident::<$plugin:ty>, { $($function:tt)* }) => {
        // A native build without tests would call the plugin useless.
        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            let _ = $crate::$run::<$plugin>;
        };
        #[cfg(target_arch = "wasm32")]
        #[expect(unsafe_code, reason = "exports of the component are called with raw memory")]
        const _: () = {
            struct Component;
            impl $crate::bindings::$kind::exports::palisade::plugin::$kind::Guest for Component {
                $($function)*
            }
            $crate::bindings::$kind::export!(Component with_types_in $crate::bindings::$kind);
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_image_analyzer {
    ($plugin:ty) => {
        $crate::__export!(image_analyzer, analyze::<$plugin>, {
            fn analyze(
                files: Vec<
                    $crate::bindings::image_analyzer::exports::palisade::plugin::image_analyzer::InputFile,
                >,
            ) -> Result<$crate::Analysis, $crate::Error> {
                $crate::export::analyze::<$plugin>(files)
            }
        });
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_posture {
    ($plugin:ty) => {
        $crate::__export!(posture, check::<$plugin>, {
            fn check(resources: Vec<$crate::Resource>) -> Result<$crate::Assessment, $crate::Error> {
                $crate::check::<$plugin>(&$crate::export::config(), &resources)
            }
        });
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_correlator {
    ($plugin:ty) => {
        $crate::__export!(correlator, correlate::<$plugin>, {
            fn correlate(
                events: Vec<$crate::Event>,
                due: Vec<$crate::Timer>,
                watermark: u64,
            ) -> Result<$crate::Correlation, $crate::Error> {
                $crate::correlate::<$plugin>(&$crate::export::config(), &events, &due, watermark)
            }
        });
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_compliance {
    ($plugin:ty) => {
        $crate::__export!(compliance, assess::<$plugin>, {
            fn assess(
                observations: Vec<$crate::Observation>,
            ) -> Result<Vec<$crate::ControlResult>, $crate::Error> {
                $crate::assess::<$plugin>(&$crate::export::config(), &observations)
            }
        });
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_admission {
    ($plugin:ty) => {
        $crate::__export!(admission, review::<$plugin>, {
            fn review(request: Vec<u8>) -> Result<$crate::Decision, $crate::Error> {
                $crate::review::<$plugin>(&$crate::export::config(), &request)
            }
        });
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_collector {
    ($plugin:ty) => {
        $crate::__export!(collector, collect::<$plugin>, {
            fn collect(cursor: Option<String>) -> Result<$crate::Page, $crate::Error> {
                $crate::collect::<$plugin>(&$crate::export::config(), cursor.as_deref())
            }
        });
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_notifier {
    ($plugin:ty) => {
        $crate::__export!(notifier, notify::<$plugin>, {
            fn notify(notice: $crate::Notice) -> Result<$crate::Receipt, $crate::Error> {
                $crate::notify::<$plugin>(&$crate::export::config(), &notice)
            }
        });
    };
}
