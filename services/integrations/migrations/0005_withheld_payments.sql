-- The round of approval that a hold ended because a person took the own approval back: told once for each round.
alter table payable_holds add column withheld_round integer;
