//! When a burst of changes is over: `kubectl apply` of a hundred objects is one change of configuration.

/// How many looks a burst may last before what there is of it is taken.
const PATIENCE: u32 = 4;

/// Looks at a number that changes, again and again.
#[derive(Debug, Default)]
pub(super) struct Settling {
    taken: Option<u64>,
    seen: Option<u64>,
    looks: u32,
}

impl Settling {
    /// Looks once. True where the number is another than the one taken last, and either it did not change
    /// since the last look or has been changing for too long; it is then the one that is taken.
    pub(super) fn look(&mut self, number: u64) -> bool {
        let quiet = self.seen.replace(number) == Some(number);
        if self.taken == Some(number) {
            self.looks = 0;
            return false;
        }
        self.looks += 1;
        let take = quiet || self.taken.is_none() || self.looks >= PATIENCE;
        if take {
            self.taken = Some(number);
            self.looks = 0;
        }
        take
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(numbers: &[u64]) -> Vec<u64> {
        let mut settling = Settling::default();
        numbers.iter().copied().filter(|number| settling.look(*number)).collect()
    }

    #[test]
    fn the_first_number_counts_at_once_and_a_later_one_when_it_stays() {
        assert_eq!(taken(&[1, 1, 2, 2, 2]), [1, 2]);
        assert_eq!(taken(&[1, 2]), [1]);
    }

    #[test]
    fn a_hundred_changes_in_two_looks_are_taken_once_or_twice() {
        assert_eq!(taken(&[0, 60, 100, 100, 100, 100]), [0, 100]);
        assert_eq!(taken(&[0, 20, 40, 60, 80, 100, 100]), [0, 80, 100]);
    }

    #[test]
    fn what_never_stays_is_taken_all_the_same() {
        let numbers: Vec<u64> = (0..13).collect();
        assert_eq!(taken(&numbers), [0, 4, 8, 12]);
    }
}
