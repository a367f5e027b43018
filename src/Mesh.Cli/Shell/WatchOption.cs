using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Spectre.Console;

namespace Mesh.Cli.Shell;

/// <summary>The option <c>--watch [SECONDS]</c>: a view that is shown again and again until Ctrl-C.</summary>
internal sealed class WatchOption
{
    private const int MaxSeconds = 60;   // processes that are asked hang up after some minutes of silence

    // Not Clear(), which also takes what the person did before out of the terminal's memory.
    private static readonly ControlCode EmptyScreen = new("\u001b[2J\u001b[H");

    private readonly Option<string?> _option = new("--watch")
    {
        Description = "Show it again every SECONDS (1 to 60, 1 where nothing is said) until Ctrl-C; with --json one line each time.",
        HelpName = "SECONDS",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <summary>Adds the option to a command.</summary>
    public void AddTo(Command command) => command.Options.Add(_option);

    /// <summary>The time between two views, or null where one is enough.</summary>
    public TimeSpan? Read(ParseResult parsed, Checks checks)
    {
        if (parsed.GetResult(_option) is not OptionResult { Implicit: false } result)
            return null;
        if (result.Tokens.Count == 0)
            return TimeSpan.FromSeconds(1);
        string text = result.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds is >= 1 and <= MaxSeconds)
            return TimeSpan.FromSeconds(seconds);
        checks.Add($"--watch {text}: expected a whole number of seconds from 1 to {MaxSeconds}");
        return null;
    }

    /// <summary>Shows a view, once or again and again; then Ctrl-C is how it ends.</summary>
    /// <param name="context">Where to.</param>
    /// <param name="interval">What <see cref="Read"/> gave.</param>
    /// <param name="isJson">Whether as JSON.</param>
    /// <param name="ask">Gets what is to be shown.</param>
    /// <param name="show">Writes it for a person.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    public static async Task ShowAsync<T>(CliContext context, TimeSpan? interval, bool isJson, Func<Task<T>> ask, Action<CliContext, T> show, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                T report = await ask();
                if (interval is not null && !isJson && context.IsTerminal)
                    context.Tables().Write(EmptyScreen);
                if (!isJson)
                    show(context, report);
                else
                    context.Out.WriteLine(interval is null ? JsonText.Text(report) : JsonText.Line(report));
                await context.Out.FlushAsync(cancellation);
                if (interval is not { } pause)
                    return;
                await Task.Delay(pause, cancellation);
            }
        }
        catch (OperationCanceledException) when (interval is not null)
        {
            // Ctrl-C.
        }
    }
}
