using System.Collections;
using Spectre.Console;

namespace Mesh.Cli.Shell;

/// <summary>What a command sees of the process that it runs in. Tests hand in their own.</summary>
internal sealed record CliContext
{
    /// <summary>Results.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Problems, progress and logs.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Environment variables.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Whether the process may change links, addresses and routes.</summary>
    public bool IsRoot { get; init; }

    /// <summary>Whether a person looks at <see cref="Out"/>: colours, and tables that fit the window.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>Directory of the sources, as the launcher says it, or null for an installed program.</summary>
    public string? SourceRoot => Environment.GetValueOrDefault(SourceRootVariable);

    /// <summary>By which the launcher says where the sources are.</summary>
    public const string SourceRootVariable = "MESH_ROOT";

    /// <summary>The context of this process.</summary>
    public static CliContext OfProcess() => new()
    {
        Out = Console.Out,
        Error = Console.Error,
        Environment = System.Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .ToDictionary(variable => (string)variable.Key, variable => (string?)variable.Value ?? string.Empty, StringComparer.Ordinal),
        IsRoot = System.Environment.IsPrivilegedProcess,
        IsTerminal = !Console.IsOutputRedirected,
    };

    /// <summary>A table with so little between its columns that many of them fit a window.</summary>
    /// <param name="title">Above it.</param>
    /// <param name="broken">The column whose texts are broken where they do not fit.</param>
    /// <param name="columns">All columns.</param>
    public static Table NarrowTable(string title, string broken, params IEnumerable<string> columns)
    {
        Table table = new Table().Border(TableBorder.Simple).Title(title);
        foreach (string column in columns)
            _ = table.AddColumn(new TableColumn(column) { NoWrap = column != broken, Padding = new Padding(0, 0, 0, 0) });
        return table;
    }

    /// <summary>Writes tables to <see cref="Out"/>: plain and wide where it is no terminal, so that scripts and logs get whole lines.</summary>
    public IAnsiConsole Tables()
    {
        const int WideEnough = 200;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = IsTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(Out),
        });
        if (!IsTerminal)
            console.Profile.Width = WideEnough;
        return console;
    }
}
