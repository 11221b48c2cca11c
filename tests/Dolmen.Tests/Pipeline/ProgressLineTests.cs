using Dolmen.Artifacts;
using Dolmen.Pipeline.Reports;

namespace Dolmen.Tests.Pipeline;

public sealed class ProgressLineTests
{
    private static readonly StageProgress Training =
        new("pretrain", 20_480, 106_496, "tok",
            "loss 7.021 · 2.303 bits per byte · step 5/26 · lr 4.0e-3 · |g| 0.71 · MFU 30 % · 812 MB");

    [Fact]
    public void Everything_is_said_where_there_is_room() =>
        Assert.Equal(
            "pretrain    19 % 20.5k/106.5k tok · 4s left · loss 7.021 · 2.303 bits per byte · 20.5k tok/s · step 5/26 · lr 4.0e-3 · "
                + "|g| 0.71 · MFU 30 % · 812 MB",
            ProgressLine.Fit(ProgressLine.Of(Training, 0, 1), 200));

    [Fact]
    public void A_narrow_terminal_gets_whole_parts_and_the_loss_among_them() =>
        Assert.Equal(
            "pretrain    19 % 20.5k/106.5k tok · 4s left · loss 7.021 · 2.303 bits per byte",
            ProgressLine.Fit(ProgressLine.Of(Training, 0, 1), 79));

    [Fact]
    public void Nothing_is_counted_before_there_is_anything_to_count() =>
        Assert.Equal(["speed      measuring"], ProgressLine.Of(new StageProgress("speed", 0, 0, "steps", "measuring"), 0, 3));

    [Fact]
    public void What_has_no_end_shows_how_much_is_done_and_no_time_left() =>
        Assert.Equal(["words      23.2 MB", "11.6 MB/s"], ProgressLine.Of(new StageProgress("words", 23.2, 0, "MB"), 0, 2));

    [Fact]
    public void A_first_part_that_is_too_long_is_cut() =>
        Assert.Equal(20, ProgressLine.Fit(ProgressLine.Of(Training, 0, 1), 20).Length);
}
