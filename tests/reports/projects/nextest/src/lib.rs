//! What a report of cargo-nextest can hold.

#[cfg(test)]
mod refund {
    mod partly {
        #[test]
        fn total() {}
    }
}

#[cfg(test)]
mod voucher {
    mod partly {
        #[test]
        fn total() {
            panic!("voucher");
        }
    }
}
