use proptest::prelude::*;

use super::*;

#[test]
fn sizes_and_rates_are_read_with_their_units() {
    for (text, bytes) in [
        ("512B", 512),
        ("1kB", 1_000),
        ("64KiB", 65_536),
        ("1.5MiB", 1_572_864),
        ("0", 0),
        (" 2 GB ", 2_000_000_000),
    ] {
        assert_eq!(text.parse::<ByteSize>().unwrap().bytes(), bytes, "{text}");
    }
    for (text, bits) in [
        ("10Mbit/s", 10_000_000),
        ("1Gbit/s", 1_000_000_000),
        ("64KiB/s", 524_288),
        ("1.5MB/s", 12_000_000),
        ("1B/s", 8),
        ("0.1kbit/s", 100),
    ] {
        assert_eq!(text.parse::<ByteRate>().unwrap().bits(), bits, "{text}");
    }
}

#[test]
fn what_has_no_unit_or_no_sense_is_refused_with_an_example() {
    for text in
        ["", "B", "512", "-1B", "1e3B", "NaNB", "infB", "1.5B", "1KB", "2PiB", "1048577GiB", "1..5kB", "+1B"]
    {
        assert!(text.parse::<ByteSize>().is_err(), "{text}");
    }
    for text in
        ["", "0bit/s", "10Mbit", "10M/s", "10mbit/s", "1Tbit/s", "1001Gbit/s", "7bit/s", "-1Mbit/s", "bit/s"]
    {
        assert!(text.parse::<ByteRate>().is_err(), "{text}");
    }
    assert!("10".parse::<ByteRate>().unwrap_err().contains("10Mbit/s"));
    assert!("10".parse::<ByteSize>().unwrap_err().contains("64KiB"));
}

#[test]
fn they_print_the_way_people_write_them() {
    for text in ["512B", "64KiB", "1MB", "3GiB", "0B"] {
        assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), text);
    }
    for text in ["10Mbit/s", "1Gbit/s", "64KiB/s", "100kbit/s", "9bit/s"] {
        assert_eq!(text.parse::<ByteRate>().unwrap().to_string(), text);
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_the_same(bytes in 0..=LARGEST, bits in RATES) {
        let size = ByteSize::new(bytes).unwrap();
        prop_assert_eq!(size.to_string().parse::<ByteSize>(), Ok(size));
        let rate = ByteRate::bits_per_second(bits).unwrap();
        prop_assert_eq!(rate.to_string().parse::<ByteRate>(), Ok(rate));
        let json = serde_json::to_string(&rate).unwrap();
        prop_assert_eq!(serde_json::from_str::<ByteRate>(&json).unwrap(), rate);
    }

    #[test]
    fn no_text_panics_and_whatever_is_read_is_in_range(text in "[0-9.eE+ -]{0,12}[kMGTKi]{0,2}(bit|B)?(/s)?|.{0,20}") {
        if let Ok(size) = text.parse::<ByteSize>() {
            prop_assert!(size.bytes() <= LARGEST);
        }
        if let Ok(rate) = text.parse::<ByteRate>() {
            prop_assert!(RATES.contains(&rate.bits()));
        }
    }

    #[test]
    fn bytes_take_as_long_as_they_flow(bits in RATES, bytes in 0_u64..1 << 30) {
        let rate = ByteRate::bits_per_second(bits).unwrap();
        let time = rate.time_for(bytes);
        // Rounded up to the nanosecond, so that never less flows, and at most what flows in one.
        let flown = rate.bytes_in(time);
        prop_assert!(flown >= bytes && flown - bytes <= bits / 8_000_000_000 + 1, "{} of {}", flown, bytes);
    }
}
