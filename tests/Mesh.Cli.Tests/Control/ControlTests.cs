using System.Net.Sockets;
using System.Text;
using Mesh.Cli.Control;
using Mesh.Cli.Registry;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Tests.Control;

public sealed class ControlTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_question_is_answered_several_times_over_one_connection()
    {
        using var folder = new TempFolder();
        await using ControlServer server = Start(folder);
        using ControlClient client = Connect(folder);
        Assert.Equal("1 2", await client.AskAsync<string>("echo", "1 2", Cancelled));
        Assert.Equal(new string('x', 100_000), await client.AskAsync<string>("echo", new string('x', 100_000), Cancelled));
    }

    [Fact]
    public async Task Only_the_owner_may_connect()
    {
        using var folder = new TempFolder();
        await using ControlServer server = Start(folder);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder["control.sock"]));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));   // the directory in which it was made is gone
    }

    [Fact]
    public async Task A_refusal_and_a_wrong_argument_are_sentences()
    {
        using var folder = new TempFolder();
        await using ControlServer server = Start(folder);
        using ControlClient client = Connect(folder);
        CommandFailedException refused = await Assert.ThrowsAsync<CommandFailedException>(() => client.AskAsync<string>("nonsense", argument: null, Cancelled));
        Assert.Equal((ExitCode.Usage, "no such request"), (refused.ExitCode, refused.Message));
        CommandFailedException unread = await Assert.ThrowsAsync<CommandFailedException>(() => client.AskAsync<string>("echo", new { not = "a string" }, Cancelled));
        Assert.Equal(ExitCode.Usage, unread.ExitCode);
    }

    [Fact]
    public async Task A_socket_that_a_dead_process_left_is_replaced()
    {
        using var folder = new TempFolder();
        using (var left = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            left.Bind(new UnixDomainSocketEndPoint(folder["other"]));
        folder.Write("control.sock", "left behind");
        await using ControlServer server = Start(folder);
        using ControlClient client = Connect(folder);
        Assert.Equal("x", await client.AskAsync<string>("echo", "x", Cancelled));
    }

    [Fact]
    public async Task The_socket_goes_away_with_the_process()
    {
        using var folder = new TempFolder();
        await using (Start(folder))
            Assert.True(File.Exists(folder["control.sock"]));
        Assert.False(File.Exists(folder["control.sock"]));
        CommandFailedException e = Assert.Throws<CommandFailedException>(() => Connect(folder));
        Assert.Contains("is not running; start it with: how", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_too_long_for_a_socket_is_refused_with_the_reason()
    {
        using var folder = new TempFolder();
        string deep = Directory.CreateDirectory(folder[new string('d', 100)]).FullName;
        CommandFailedException e = Assert.Throws<CommandFailedException>(() => ControlServer.Start(Path.Combine(deep, "control.sock"), static _ => Task.FromResult(ControlAnswer.Of(1))));
        Assert.Contains("shorter path", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\uD800")]
    [InlineData("{\"email\":\"\uDC00\"")]
    public void A_text_with_half_a_surrogate_pair_is_no_argument(string text) =>
        Assert.Throws<System.Text.Json.JsonException>(() => new ControlRequest("token-add", text).Read<TokenOrder>());

    [Theory]
    [InlineData(1e300)]
    [InlineData(-1e300)]
    [InlineData(922337203685.4775)]
    public void A_lifetime_that_no_span_holds_is_left_to_the_registry_to_refuse(double seconds) =>
        Assert.InRange(Math.Abs(RegistryControl.ToCommand(new TokenOrder("a@b", null, null, 1, seconds, null)).Lifetime!.Value.TotalDays), 10_000, double.MaxValue);

    [Fact]
    public async Task A_line_that_breaks_off_is_an_error_and_an_end_without_line_is_none()
    {
        using var broken = new MemoryStream(Encoding.UTF8.GetBytes("half a li"));
        await Assert.ThrowsAsync<IOException>(() => ControlLine.ReadAsync(broken, Cancelled));
        using var empty = new MemoryStream();
        Assert.Null(await ControlLine.ReadAsync(empty, Cancelled));
    }

    private static ControlServer Start(TempFolder folder) => ControlServer.Start(
        folder["control.sock"],
        static request => Task.FromResult(request.Name == "echo" ? ControlAnswer.Of(request.Read<string>()) : ControlAnswer.Refuse("no such request", isUsage: true)));

    private static ControlClient Connect(TempFolder folder) => ControlClient.Connect(folder["control.sock"], "the thing", "how");
}
