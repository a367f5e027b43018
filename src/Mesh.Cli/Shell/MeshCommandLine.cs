using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Net.Sockets;
using System.Reflection;
using Mesh.Actors;
using Mesh.Actors.Persistence;

namespace Mesh.Cli.Shell;

/// <summary>The <c>mesh</c> program: finds the command, runs it, and says in a sentence what went wrong.</summary>
internal static class MeshCommandLine
{
    /// <summary>The version that <c>mesh --version</c> shows.</summary>
    public static string Version { get; } =
        typeof(MeshCommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>Runs one command line.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="context">What the command sees of the process.</param>
    /// <param name="cancellation">Stops the command in a clean way.</param>
    /// <returns>An <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, CliContext context, CancellationToken cancellation)
    {
        ParseResult parsed = Build(context).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        if (parsed.Action is ParseErrorAction || Misspelt(parsed, args).Any())
            return Refuse(parsed, args, context);
        try
        {
            var invocation = new InvocationConfiguration
            {
                Output = context.Out,
                Error = context.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,   // signals are the program's own, see StopRequest
            };
            return await parsed.InvokeAsync(invocation, cancellation);
        }
        catch (Exception failure)
        {
            return Report(failure, parsed.GetValue(CommonOptions.Verbose), context, cancellation);
        }
    }

    /// <summary>All commands.</summary>
    internal static RootCommand Build(CliContext context)
    {
        var root = new RootCommand("A resilient IPv6 overlay network: registry, nodes, and the tools around them.");
        foreach (Func<CliContext, Command> factory in CommandCatalogue.Factories)
            root.Subcommands.Add(factory(context));
        root.Options.Add(CommonOptions.Verbose);
        foreach (Option option in root.Options)
        {
            if (option is HelpOption { Action: HelpAction inner } help)
                help.Action = new HelpText(inner);
            else if (option is VersionOption version)
                version.Action = new ShowVersion();
        }
        return root;
    }

    // The parser takes an option that it does not know for an argument, where there is room for one.
    private static IEnumerable<string> Misspelt(ParseResult parsed, IReadOnlyList<string> args) =>
        parsed.Action is HelpText || args.Contains("--", StringComparer.Ordinal) || !parsed.CommandResult.Command.TreatUnmatchedTokensAsErrors
            ? []
            : parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(static argument => argument.Tokens)
                .Select(static token => token.Value).Where(static value => value.Length > 1 && value.StartsWith('-'));

    private static int Refuse(ParseResult parsed, IReadOnlyList<string> args, CliContext context)
    {
        Command command = parsed.CommandResult.Command;
        string name = NameOf(parsed);
        var problems = new List<string>();
        foreach (string token in Misspelt(parsed, args).Concat(parsed.UnmatchedTokens))
        {
            bool isOption = token.StartsWith('-');
            IEnumerable<string> known = isOption ? OptionsOf(parsed) : command.Subcommands.Select(sub => sub.Name);
            string what = isOption ? "option" : command.Subcommands.Count > 0 ? "command" : "argument";
            string hint = NearestName.Find(token, known) is { } near ? $"; did you mean '{near}'?" : string.Empty;
            problems.Add($"there is no {what} '{token}'{hint}");
        }
        if (problems.Count == 0 && command.Subcommands.Count > 0)
            problems.Add($"a command must follow: {string.Join(", ", command.Subcommands.Select(sub => sub.Name))}");
        if (problems.Count == 0)
            problems.AddRange(parsed.Errors.Select(error => error.Message.TrimEnd('.')));
        foreach (string problem in problems.Distinct(StringComparer.Ordinal))
            context.Error.WriteLine($"{name}: {problem}");
        context.Error.WriteLine($"{name} --help says more");
        return ExitCode.Usage;
    }

    private static int Report(Exception failure, bool isVerbose, CliContext context, CancellationToken cancellation)
    {
        int exitCode = ExitCode.Failed;
        switch (failure)
        {
            case CommandFailedException failed:
                exitCode = failed.ExitCode;
                foreach (string problem in failed.Problems)
                    context.Error.WriteLine($"mesh: {problem}");
                break;
            case OperationCanceledException when cancellation.IsCancellationRequested:
                context.Error.WriteLine("mesh: stopped");
                break;
            case IOException or UnauthorizedAccessException or SocketException or JournalException or AskException:
                context.Error.WriteLine($"mesh: {failure.Message}");
                break;
            default:
                context.Error.WriteLine($"mesh: this should not have happened ({failure.GetType().Name}: {failure.Message}); run it again with --verbose and report what it shows");
                break;
        }
        if (isVerbose)
            context.Error.WriteLine(failure);
        return exitCode;
    }

    private static string NameOf(ParseResult parsed)
    {
        var names = new Stack<string>();
        for (var result = parsed.CommandResult; result is not null; result = result.Parent as CommandResult)
            names.Push(result.Command is RootCommand ? "mesh" : result.Command.Name);
        return string.Join(' ', names);
    }

    private static IEnumerable<string> OptionsOf(ParseResult parsed) =>
        parsed.CommandResult.Command.Options.Concat(parsed.RootCommandResult.Command.Options.Where(option => option.Recursive)).Select(option => option.Name);

    private sealed class ShowVersion : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine($"mesh {Version}");
            return ExitCode.Ok;
        }
    }
}
