/*
 * main.c - the program instant-source.
 */
int
main(void)
{
    return 0;
}
