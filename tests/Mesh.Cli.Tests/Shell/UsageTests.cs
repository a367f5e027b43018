using System.CommandLine;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Tests.Shell;

public sealed class UsageTests
{
    public static TheoryData<string> Commands()
    {
        var all = new TheoryData<string>();
        Add(MeshCommandLine.Build(new CliContext { Out = TextWriter.Null, Error = TextWriter.Null }), "");
        return all;

        void Add(Command command, string path)
        {
            all.Add(path);
            foreach (Command sub in command.Subcommands)
                Add(sub, $"{path} {sub.Name}".Trim());
        }
    }

    [Theory, MemberData(nameof(Commands))]
    public async Task Every_command_has_help_with_a_description_of_everything(string path)
    {
        string[] words = path.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        CliRun run = await CliRun.OfAsync([.. words, "--help"]);
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Empty(run.Error);
        Assert.Contains("Exit status:", run.Out, StringComparison.Ordinal);
        Command command = MeshCommandLine.Build(new CliContext { Out = TextWriter.Null, Error = TextWriter.Null });
        foreach (string word in words)
            command = command.Subcommands.Single(sub => sub.Name == word);
        Assert.Contains(command.Description!, run.Out, StringComparison.Ordinal);
        Assert.All(command.Options, static option => Assert.False(string.IsNullOrEmpty(option.Description), option.Name));
        Assert.All(command.Arguments, static argument => Assert.False(string.IsNullOrEmpty(argument.Description), argument.Name));
        // What can be run has a line to paste.
        if (command.Subcommands.Count == 0)
            Assert.NotEmpty(Assert.IsType<MeshCommand>(command).Examples);
    }

    [Theory, MemberData(nameof(Commands))]
    public async Task Every_example_in_the_help_can_be_parsed(string path)
    {
        Command root = MeshCommandLine.Build(new CliContext { Out = TextWriter.Null, Error = TextWriter.Null });
        Command command = root;
        foreach (string word in path.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            command = command.Subcommands.Single(sub => sub.Name == word);
        foreach (string example in (command as MeshCommand)?.Examples ?? [])
        {
            string line = example[example.IndexOf("mesh ", StringComparison.Ordinal)..].Split('>')[0];
            Assert.Empty(root.Parse(line["mesh ".Length..]).Errors);
        }
        await Task.CompletedTask;
    }

    [Theory]
    [InlineData("regsitry", "there is no command 'regsitry'; did you mean 'registry'?")]
    [InlineData("joni", "did you mean 'join'?")]
    [InlineData("frobnicate", "there is no command 'frobnicate'")]
    public async Task An_unknown_command_gets_a_suggestion_and_status_2(string word, string message) => (await CliRun.OfAsync(word)).RefusesWith(message, "mesh --help");

    [Fact]
    public async Task An_unknown_option_gets_a_suggestion_and_status_2() =>
        (await CliRun.OfAsync("fingerprint", "--dri", "x")).RefusesWith("mesh fingerprint: there is no option '--dri'; did you mean '--dir'?");

    [Fact]
    public async Task A_group_without_command_names_its_commands() => (await CliRun.OfAsync("registry")).RefusesWith("mesh registry: a command must follow: init, run, token, nodes");

    [Fact]
    public async Task A_missing_option_is_named() => (await CliRun.OfAsync("registry", "init", "--dir", "x")).RefusesWith("--network");

    [Fact]
    public async Task A_number_that_is_none_is_named() => (await CliRun.OfAsync("ping", "::1", "--count", "many")).RefusesWith("--count", "many");

    [Fact]
    public async Task The_version_is_one_line()
    {
        CliRun run = await CliRun.OfAsync("--version");
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Matches(@"^mesh \d+\.\d+\.\d+\n$", run.Out);
    }

    [Fact]
    public async Task Arguments_that_begin_with_an_at_sign_are_no_files() => (await CliRun.OfAsync("@/etc/passwd")).RefusesWith("there is no command '@/etc/passwd'");

    [Fact]
    public async Task Benchmarks_need_the_sources() => (await CliRun.OfAsync("bench", "kernel")).RefusesWith("./mesh");

    [Fact]
    public async Task Benchmarks_that_are_not_built_are_an_error()
    {
        using var folder = new TempFolder();
        CliRun run = await CliRun.OfAsync(
            context => context with { Environment = new Dictionary<string, string>(StringComparer.Ordinal) { [CliContext.SourceRootVariable] = folder.Path } }, "bench", "kernel");
        run.FailsWith("is not built");
    }

    [Theory]
    [InlineData("tokn", "token")]
    [InlineData("stat", "status")]
    [InlineData("ndoe", "node")]
    [InlineData("zzzzzz", null)]
    [InlineData("a-name-that-is-much-too-long-to-be-a-typing-mistake", null)]
    public void The_nearest_name_is_near(string wrong, string? expected) => Assert.Equal(expected, NearestName.Find(wrong, ["token", "status", "node", "registry"]));
}
