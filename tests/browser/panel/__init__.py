"""The panel's front end alone: the very panel.js in a real browser, with a kernel that plays from fixtures.

What a user does and sees, each with the tests that show it. Those of files that are named are in a real JupyterLab
(tests/browser/test_panel.py, test_cuts.py), a real Notebook 7 (test_notebook7.py) or a real kernel (tests/kernel/test_panel.py).

Writing and reading

- Enter sends, Shift-Enter breaks the line: test_enter_sends_and_shift_enter_breaks_the_line
- Up recalls: test_up_recalls_the_questions_and_down_goes_back
- The answer streams: test_an_answer_is_read_while_it_comes; test_a_real_model_is_asked_and_answers
- It streams while cells run: test_the_answer_streams_to_its_end_while_a_cell_runs
- Markdown with highlighted code, tables and mathematics: test_code_is_coloured_and_tables_and_formulas_are_drawn
- Thoughts are folded with their duration, tools to a line: test_thoughts_and_tools_are_one_line_each_and_open_at_a_click
- The view follows the end until one goes up: test_the_view_follows_the_end_until_the_reader_goes_up
- Retry, mending, fallback, truncation in words: test_what_happens_on_the_way_is_told_in_words_and_hides_no_text
- Loading of a model, waiting: test_an_answer_is_read_while_it_comes
- The kernel is busy: test_a_question_waits_for_a_kernel_that_is_busy; one that waits is taken back:
  test_a_question_that_waits_can_only_be_taken_back
- Where one writes stays in view: test_whoever_writes_still_sees_it_when_the_panel_grows; test_a_view_of_its_own_is_filled
- An answer that no model was asked for is marked: test_what_is_found_or_imported_opens_and_an_answer_told_again_is_marked;
  test_an_answer_that_no_model_was_asked_for_is_marked_now_and_later

What is done with a message

- Stop at a click or Escape, what was said stays: test_stop_by_a_click_or_escape;
  test_stop_works_while_a_cell_runs_and_what_was_said_stays; test_a_click_on_stop_while_a_cell_runs
- Again, with another model, hide, pin: test_again_hide_and_pin
- Edit and branch from there: test_a_question_is_written_anew_where_it_stands; test_a_conversation_branches_and_nothing_is_lost
- Undo: test_a_question_that_is_taken_back_can_be_written_anew
- < 2/3 >: test_which_branch_is_read_is_seen_and_others_are_a_click_away
- Fork: test_an_answer_is_where_a_fork_begins
- Copy the message, a code block, the conversation: test_a_message_a_code_block_and_the_conversation_are_copied
- Code into the notebook, taken back: test_code_becomes_a_cell_below_and_goes_again;
  test_code_becomes_cells_below_the_panel_and_can_be_taken_back; test_all_code_of_an_answer_becomes_cells
- Else the clipboard: test_where_no_cell_can_be_added_the_clipboard_has_the_code_and_it_is_said

Choosing

- Models with size and abilities, loaded ones marked: test_models_tell_their_size_what_they_can_and_whether_they_are_loaded;
  test_a_choice_is_sent_and_the_sheet_closes
- Sessions, searched and renamed, deleted: test_sessions_are_searched_and_renamed; test_a_session_is_deleted_only_after_a_question
- Words in all sessions: test_words_are_found_in_all_sessions_and_marked
- A click on a place goes to its message: test_a_click_on_a_place_goes_to_its_message_and_marks_it_until_one_goes_on;
  test_a_place_that_is_gone_is_told; test_a_place_in_another_session_and_branch_is_opened
- Import: test_a_file_with_sessions_is_imported; test_a_file_of_a_session_is_taken_in_and_opened
- System prompt and options: test_settings_are_sent_as_they_were_written;
  test_what_opens_over_an_empty_panel_has_its_place_within_it
- Tools with what each may do: test_tools_say_what_they_may_do_and_are_chosen
- Approval in place, exact arguments or the diff; once, session, never:
  test_a_call_is_approved_with_its_exact_arguments_in_view; test_code_is_approved_in_the_panel_and_runs;
  test_a_whole_conversation_by_keyboard_alone; test_what_hides_in_arguments_is_spelled_out
- Exports in all formats: test_a_conversation_is_saved_in_a_format; test_a_session_is_exported_in_each_format
- Earlier messages: test_earlier_messages_come_when_scrolled_to_and_nothing_jumps

What goes along

- @ with completion and preview: test_a_mention_is_completed_previewed_and_attached;
  test_a_mention_that_is_deleted_carries_nothing_along
- Dropped and pasted files and pictures: test_a_dropped_file_and_a_pasted_picture_are_sent_along;
  test_a_file_may_be_dropped_anywhere_on_the_panel;
  test_a_file_too_large_for_a_message_is_not_sent
- The cell above, the last error, the selection: test_the_cell_above_goes_by_its_number;
  test_the_last_error_is_attached_and_removed_by_a_key; test_the_selection_of_an_editor_is_attached
- Chips with tokens, and what has changed: test_a_mention_is_completed_previewed_and_attached;
  test_what_has_changed_since_is_marked; test_whoever_comes_back_from_the_notebook_sees_what_has_changed
- The window before sending, and what is left out: test_the_window_is_measured_before_sending
- Starters that fit the notebook: test_starters_fit_the_notebook_and_wait_to_be_sent;
  test_a_session_that_is_begun_offers_questions

For everybody

- Light, dark, high contrast: test_axe_finds_no_violation; test_axe_finds_no_violation_in_other_themes;
  test_forced_colours_show_what_is_chosen
- 320 pixels: test_a_width_of_320_pixels_is_enough
- The keyboard: test_a_whole_conversation_by_keyboard_alone; test_sheets_give_the_focus_back; test_pages_go_between_messages;
  test_letters_typed_on_a_button_are_no_shortcuts_of_the_notebook;
  test_an_approval_does_not_take_the_keys_of_who_is_typing
- Heard by sentences: test_an_answer_is_heard_by_sentences_not_by_tokens; test_an_approval_is_heard
- Reduced motion: test_nothing_moves_for_whoever_wants_it_still
- From right to left: test_text_from_right_to_left_is_right
- Notebook 7: test_a_conversation_streams_and_stops_and_its_code_becomes_a_cell
- VS Code, as far as it can be played: test_as_in_vs_code_nothing_of_jupyterlab_is_needed
- Without a kernel the conversation is text/markdown: test_the_text_beside_the_panel_is_hidden_while_it_lives_and_saved;
  test_what_was_said_stays_in_a_second_output; test_where_nobody_is_there_only_the_conversation_is_shown;
  test_the_transcript_beside_is_hidden_while_the_panel_lives

Whatever happens

- Reload, a second view, a restart: test_a_page_that_is_loaded_again_in_mid_answer_goes_on;
  test_two_panels_and_the_magic_are_one_conversation; test_after_a_restart_the_panel_goes_on;
  test_a_gap_makes_the_view_ask_for_everything_again
- Killed, cut off: test_a_conversation_goes_on_after_the_kernel_was_killed_in_mid_answer;
  test_an_answer_that_ended_while_the_network_was_away_is_whole;
  test_when_the_kernel_has_gone_it_says_so_and_keeps_the_question
- Hostile texts: test_hostile_answers_do_nothing; test_hostile_text_stays_text_in_every_place;
  test_a_remote_picture_is_asked_for_only_when_it_is_clicked; test_a_line_of_a_megabyte_does_not_stop_the_page
"""
